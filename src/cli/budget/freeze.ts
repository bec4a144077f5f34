import { Option } from 'commander';
import type { CommandContext } from '../main.ts';
import { confirmByTyping } from './confirm.ts';
import { type BudgetPlace, budgetSource, withBudget } from './source.ts';

export interface FreezeOptions extends BudgetPlace {
  readonly scene: string;
  readonly yes?: boolean;
}

/** Options of `budget freeze` besides the place. */
export const FREEZE_OPTIONS: readonly Option[] = [
  new Option('--scene <name>', 'the scene that takes no more charges').makeOptionMandatory(),
  new Option('--yes', 'do not ask').default(false),
];

export const FREEZE_HELP = `
Every later reserve in the scene is refused, for everyone, in all processes, at once; what is reserved
already may still be committed. It CANNOT be undone: the log keeps it, and no policy lifts it. Asks first;
where there is no terminal it needs --yes.

Example:
  $ velatura budget freeze --budget budget.sqlite --scene live-food`;

/** `velatura budget freeze --scene s` */
export async function freezeBudget(
  { scene, yes, ...place }: FreezeOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const source = budgetSource(place);
  await withBudget(source, async (budget) => {
    await budget.remaining('nobody', scene); // refuses a scene nobody declared, before anything is asked
    const already = (await budget.summary()).some((row) => row.scene === scene && row.frozen);
    if (!already) {
      if (yes !== true) {
        await confirmByTyping(
          `Once frozen, scene "${scene}" takes no charge from anybody, for good: it cannot be undone.\nType the name of the scene to go on:`,
          scene,
          signal,
        );
      }
      await budget.freeze(scene);
    }
    terminal.print(already ? `${scene}: was frozen before` : `${scene}: frozen`);
    const summary = await budget.summary();
    terminal.json({
      scene,
      frozen: true,
      scenes: summary.filter((row) => row.scene === scene),
      head: await budget.head(),
    });
  });
}
