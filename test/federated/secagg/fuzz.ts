import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { Bytes } from '../../../src/federated/secagg/crypto.ts';
import { Scene, vectorOf } from './fixtures.ts';

const REFUSALS = /^federated\/secagg-(malformed|forged|out-of-step)$/;

/**
 * Plays a round of six with the consistency step in which every frame is preceded by so many spoilt copies of itself.
 *
 * @returns the sum, which must be as if nothing had happened, and how many frames were refused
 * @throws where a spoilt frame was taken, or refused without a code
 */
export async function fuzzRound(
  seed: string,
  copies: number,
): Promise<{ readonly sum: number[]; readonly refusals: number }> {
  const scene = await Scene.open(seed, { consistency: true });
  const random = new SeededRandom(seed);
  const below = (bound: number): number => Math.floor(random.uniform() * bound);
  const spoil = (frame: Bytes): Bytes => {
    const copy = Uint8Array.from(frame);
    const at = below(copy.length);
    switch (below(4)) {
      case 0:
        copy[at] = (copy[at] as number) ^ (1 << below(8));
        return copy;
      case 1:
        return copy.slice(0, at);
      case 2:
        copy.set(copy.slice(at).reverse(), at);
        return copy;
      default:
        return scene.crypto.randomBytes(below(300));
    }
  };
  let refusals = 0;
  const refuse = async (take: () => Promise<unknown>): Promise<void> => {
    let taken = true;
    try {
      await take();
    } catch (error) {
      taken = false;
      if (!REFUSALS.test(String((error as { code?: string }).code))) throw error;
    }
    if (taken) throw new Error('a spoilt frame was taken');
    refusals++;
  };
  const spoilt = async (frame: Bytes, take: (bytes: Bytes) => Promise<unknown>): Promise<void> => {
    for (let i = 0; i < copies; i++) {
      const bytes = spoil(frame);
      if (Buffer.compare(bytes, frame) !== 0) await refuse(() => take(bytes));
    }
  };
  const { server } = scene;
  const send = async (frame: Bytes): Promise<void> => {
    await spoilt(frame, (bytes) => server.receive(bytes));
    await server.receive(frame);
  };
  const step = async (answer: (place: number, frame: Bytes) => Promise<Bytes>): Promise<void> => {
    for (const [place, frame] of await server.advance()) {
      await spoilt(frame, (bytes) => answer(place, bytes));
      await send(await answer(place, frame));
    }
  };
  for (const client of scene.clients) await send(await client.advertise());
  await step((place, frame) => scene.client(place).share(frame));
  await step((place, frame) => scene.client(place).mask(frame, vectorOf(place)));
  await step((place, frame) => scene.client(place).confirm(frame));
  await step((place, frame) => scene.client(place).unmask(frame));
  return { sum: [...(await server.finish()).sum], refusals };
}
