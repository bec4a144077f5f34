import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { callerOfAddress } from './caller-address.ts';
import { type ScoringRoutesOptions, scoringRoutes } from './scoring-routes.ts';

/** How a scoring server runs. */
export interface ScoringServerOptions extends Omit<ScoringRoutesOptions, 'callerOf'> {
  /** Who shares a rate; by default the address at the other end of the connection, of IPv6 its network of 64 bits. */
  readonly callerOf?: ScoringRoutesOptions['callerOf'];
  /** Address to listen on. Default 127.0.0.1: TLS and callers are the business of a proxy in front. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A server that listens. */
export interface ScoringServer {
  /** Where, without a slash at the end. */
  readonly url: string;
  /** Stops listening and ends all connections; the scorer stays. */
  close(): Promise<void>;
}

/** Milliseconds in which the head of a request must have arrived. */
const HEADERS_TIMEOUT = 10_000;

/**
 * Serves `scoringRoutes` by itself.
 *
 * @throws Error of `node:net` if the port is taken
 */
export async function startScoringServer(options: ScoringServerOptions): Promise<ScoringServer> {
  const { host = '127.0.0.1', port, scorer, limits } = options;
  const callerOf =
    options.callerOf ??
    ((context) => callerOfAddress(getConnInfo(context).remote.address ?? 'unknown'));
  const { fetch } = scoringRoutes({
    scorer,
    callerOf,
    ...(limits === undefined ? {} : { limits }),
  });
  return new Promise((resolve, reject) => {
    // Without the option hono's Node adapter puts its own Request and Response in the place of the global ones.
    const where = { fetch, hostname: host, port, overrideGlobalObjects: false };
    const server = serve(where, ({ address, family, port: bound }) => {
      const name = family === 'IPv6' ? `[${address}]` : address;
      resolve({
        url: `http://${name}:${bound}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    }) as Server;
    server.headersTimeout = HEADERS_TIMEOUT;
    server.once('error', reject);
  });
}
