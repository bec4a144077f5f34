import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type CoordinatorAppOptions, coordinatorApp } from './coordinator-app.ts';

/** Options of {@link serveCoordinator}. */
export interface CoordinatorServerOptions extends Omit<CoordinatorAppOptions, 'addressOf'> {
  readonly port: number;
  /** Default `127.0.0.1`: put a server that speaks TLS in front. */
  readonly hostname?: string;
  /** Milliseconds in which the head of a request has to arrive; default 10,000. */
  readonly headersTimeout?: number;
  /** Milliseconds in which a whole request has to arrive; default 60,000. */
  readonly requestTimeout?: number;
  /** Connections at once; default 1,024. */
  readonly connections?: number;
}

/** A coordinator that answers. */
export interface CoordinatorServer {
  readonly port: number;
  /** Answers what was asked, then no more. The coordinator itself goes on. */
  close(): Promise<void>;
}

/** How often connections are looked at that send too slowly. */
const CHECK_EVERY = 1_000;
/** Milliseconds for which connections may finish. */
const GRACE = 5_000;

/** Puts {@link coordinatorApp} behind a server of Node that slow and many connections cannot hold up. */
export async function serveCoordinator(
  options: CoordinatorServerOptions,
): Promise<CoordinatorServer> {
  const { port, hostname = '127.0.0.1', connections = 1_024 } = options;
  const { headersTimeout = 10_000, requestTimeout = 60_000 } = options;
  const app = coordinatorApp({ ...options, addressOf });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      ...{ headersTimeout, requestTimeout, maxHeaderSize: 16_384 },
      connectionsCheckingInterval: Math.min(CHECK_EVERY, headersTimeout),
    },
  }) as Server;
  server.maxConnections = connections;
  server.listen(port, hostname);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), GRACE);
      await closed;
      clearTimeout(timer);
    },
  };
}

function addressOf(env: unknown): string {
  const { incoming } = env as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? 'unknown';
}
