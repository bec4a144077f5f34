import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../../core/errors.ts';
import type { Bytes, SecAggCrypto, SigningKey } from '../secagg/crypto.ts';

/** What is signed of a request, besides when and by whom. */
export interface RequestToSign {
  readonly method: string;
  /** As it stands in the request line. */
  readonly path: string;
  /** With its question mark; `?` alone where there is none. */
  readonly query: string;
  readonly body: Uint8Array;
}

/** When, for whom, and a number used once. */
export interface SignatureTerms {
  /** Seconds since 1970. */
  readonly created: number;
  /** 32 hexadecimal digits. */
  readonly nonce: string;
  /** Public key of the coordinator that it is for, hexadecimal. */
  readonly server: string;
}

/** A request whose signature holds. */
export interface SignedBy extends Omit<SignatureTerms, 'server'> {
  /** Public key, hexadecimal. */
  readonly key: string;
}

const COVERED = '("@method" "@path" "@query" "content-digest")';
const INPUT =
  /^v=\("@method" "@path" "@query" "content-digest"\);created=(\d{1,12});nonce="([0-9a-f]{32})";keyid="([0-9a-f]{64})";alg="ed25519";tag="velatura-live-v1-([0-9a-f]{64})"$/;
const SIGNATURE = /^v=:([A-Za-z0-9+/]{86}==):$/;

/**
 * Signs a request by HTTP Message Signatures (RFC 9421): method, path, query and the digest of the body (RFC 9530),
 * with a time, a nonce, and the coordinator that it is for, so that another one cannot use it.
 *
 * @returns the headers to add
 */
export async function signRequest(
  request: RequestToSign,
  key: SigningKey,
  terms: SignatureTerms,
): Promise<Record<string, string>> {
  const { created, nonce, server } = terms;
  const keyId = bytesToHex(key.publicKey);
  const parameters = `${COVERED};created=${created};nonce="${nonce}";keyid="${keyId}";alg="ed25519";tag="velatura-live-v1-${server}"`;
  const digest = contentDigest(request.body);
  const signature = await key.sign(signatureBase(request, digest, parameters));
  return {
    'content-digest': digest,
    'signature-input': `v=${parameters}`,
    signature: `v=:${toBase64(signature)}:`,
  };
}

/**
 * Who signed a request. That its nonce is new and its time near is for the caller to check.
 *
 * @param server - public key of this coordinator, hexadecimal
 * @throws {VelaturaError} `federated/unauthenticated`
 */
export async function verifyRequest(
  crypto: SecAggCrypto,
  request: RequestToSign,
  headers: { get(name: string): string | null },
  server: string,
): Promise<SignedBy> {
  const input = INPUT.exec(headers.get('signature-input') ?? '');
  const signature = SIGNATURE.exec(headers.get('signature') ?? '');
  if (input === null || signature === null) throw unauthenticated('it is not signed');
  const [, created, nonce, key, audience] = input as unknown as readonly string[];
  if (audience !== server) throw unauthenticated('it is signed for another coordinator');
  const digest = contentDigest(request.body);
  if (headers.get('content-digest') !== digest) throw unauthenticated('its body is another one');
  const parameters = (headers.get('signature-input') as string).slice(2);
  const isSigned = await crypto.verify(
    hexToBytes(key as string) as Bytes,
    signatureBase(request, digest, parameters),
    fromBase64(signature[1] as string),
  );
  if (!isSigned) throw unauthenticated('its signature does not hold');
  return { key: key as string, created: Number(created), nonce: nonce as string };
}

function signatureBase(
  { method, path, query }: RequestToSign,
  digest: string,
  parameters: string,
): Bytes {
  const lines = [
    `"@method": ${method}`,
    `"@path": ${path}`,
    `"@query": ${query}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ];
  return new TextEncoder().encode(lines.join('\n'));
}

function contentDigest(body: Uint8Array): string {
  return `sha-256=:${toBase64(sha256(body))}:`;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function unauthenticated(why: string): VelaturaError {
  return new VelaturaError('federated/unauthenticated', `the request is refused: ${why}`);
}
