import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VelaturaError } from '../../core/errors.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import type { PrivacyBudgetAccountant } from '../../dp/index.ts';
import { PlainSum, type RoundEnvironment } from '../../federated/index.ts';
import { openBudgetFile } from '../../node/index.ts';
import {
  RETAIL_SCENES,
  type RetailItem,
  type RetailProfiles,
  type RetailScene,
  readRetailEvents,
  readRetailItems,
  readRetailProfiles,
} from '../../node/online-retail.ts';
import { type ProfileEvent, type ProfileSchema, validateSchema } from '../../profile/index.ts';
import { makeFolder, readJson } from '../input.ts';
import type { Terminal } from '../terminal.ts';
import { explainOwnTag, ownProfile } from './own-device.ts';
import {
  DELTA,
  MINIMUM_COHORT,
  PLANNED_MEMBERS,
  quickstartPolicy,
  SCENE_EPSILON,
  USER_EPSILON,
} from './policy.ts';
import { buildPopulation } from './population.ts';
import { printTable, sayUtility, trainingWatcher } from './printout.ts';
import { renderReport } from './report.ts';
import type { BudgetSpending, QuickstartResult } from './result.ts';
import { roundNoise } from './scene-noise.ts';
import { scoreShop } from './scoring.ts';
import { SWEEP_POINTS, sweepUtility } from './sweep.ts';
import { type SceneTraining, sceneTask, type TrainedScene, trainScene } from './train-scene.ts';

/** How each scene is trained. The third one repeats the first method with whoever can still bear it. */
const METHODS: Readonly<Record<RetailScene, SceneTraining['method']>> = {
  morning: 'fedavg',
  midday: 'one-shot',
  afternoon: 'fedavg',
};

/** Everything read from files. */
export interface ShopData {
  readonly profiles: RetailProfiles;
  readonly events: readonly ProfileEvent[];
  readonly items: readonly RetailItem[];
  readonly schema: ProfileSchema;
}

/**
 * Reads the shop's files, all of them before anything is charged.
 *
 * @throws {VelaturaError} `data/*`, naming file, line and column; `profile/invalid-schema`
 */
export function readShop(folder: string): ShopData {
  return {
    profiles: readRetailProfiles(join(folder, 'profiles.csv')),
    events: readRetailEvents(join(folder, 'events.csv.gz')),
    items: readRetailItems(join(folder, 'items.csv')),
    schema: validateSchema(readJson(join(folder, 'schema.json'))),
  };
}

/** What was found out, and where the report lies. */
export interface QuickstartRun {
  readonly result: QuickstartResult;
  readonly report: string;
}

/**
 * The whole way of the library on the shipped data: gates, private training in three scenes under one
 * budget, encrypted scoring, a report.
 *
 * @param out - folder for budget and report; a budget that is there is continued
 * @throws {VelaturaError} `dp/budget-exceeded` when the budget leaves too few people to train on, such as in
 * a second run into the same folder
 */
export async function runQuickstart(
  data: ShopData,
  out: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<QuickstartRun> {
  const started = performance.now();
  const { say, style } = terminal;
  makeFolder(out);

  say(style.bold('1  Who takes part'));
  const { profiles, items } = data;
  const population = buildPopulation(profiles, data.events, data.schema);
  const { summary } = population;
  say(
    `   ${summary.customers} customers of a gift shop. ${summary.evaluation} of them, by a fixed seed, play a public evaluation set;`,
  );
  say(`   the other ${summary.clients} are clients whose data stays behind their own gates.`);
  say(
    style.dim(
      '   Simulated by a fixed seed, because the data has none: enrolment in the scenes and refusals of consent.',
    ),
  );
  say(
    `   ${summary.refusedConsent} refuse everything; enrolled: ${RETAIL_SCENES.map((scene) => `${scene} ${summary.enrolled[scene]}`).join(', ')}; in all three: ${summary.enrolledInAll}.`,
  );
  say(
    `   The gates admitted ${summary.events.admitted} of ${summary.events.offered} events and dropped the rest unread.`,
  );

  const planned = sceneTask(population.tables[RETAIL_SCENES[0]], PLANNED_MEMBERS);
  const budget = await openBudgetFile(join(out, 'budget.sqlite'), {
    policy: quickstartPolicy(roundNoise(planned, PLANNED_MEMBERS).scene),
    unit: 'user',
    relation: 'zero-out-one-user',
  });
  try {
    say();
    say(style.bold('2  Training on the clients'));
    say(
      `   Limits: epsilon ${USER_EPSILON} a user in total, ${SCENE_EPSILON} in each scene, delta ${DELTA}; every release is charged before it happens.`,
    );
    const environment = (scene: string): RoundEnvironment => ({
      scene,
      relation: 'zero-out-one-user',
      secureSum: new PlainSum(),
      random: new SecureRandom(),
      budget,
      minimumCohort: MINIMUM_COHORT,
      signal,
    });
    const trainings = RETAIL_SCENES.map(
      (scene): SceneTraining => ({
        scene,
        method: METHODS[scene],
        table: population.tables[scene],
        enrolledRows: population.enrolledRows[scene],
        evaluationRows: population.evaluationRows,
      }),
    );
    const trained: TrainedScene[] = [];
    for (const training of trainings) {
      const outcome = await trainScene(
        training,
        environment(training.scene),
        trainingWatcher(terminal),
      );
      if ('refusedAll' in outcome) throw refusedScene(training.scene, outcome.refusedAll, out);
      trained.push(outcome);
    }

    const [first] = trained as [TrainedScene];
    const [firstTraining] = trainings as [SceneTraining];
    say();
    say(style.bold('3  Utility against epsilon'));
    say(
      style.dim(
        '   Simulation on public data: not charged; in a deployment each point would cost its epsilon.',
      ),
    );
    const bar = terminal.progress('sweep', SWEEP_POINTS);
    const sweep = await sweepUtility(
      firstTraining,
      environment(first.result.scene),
      first.result,
      (done) => bar.to(done),
    ).finally(() => bar.end());
    sayUtility(sweep, terminal);

    say();
    say(style.bold('4  One person’s list, scored under encryption'));
    const device = population.demonstrationDevice(RETAIL_SCENES[0]);
    const profile = ownProfile(device, first.model, first.popularity.popularity);
    const scoring = await scoreShop(items, profiles.tags, profile.vector);
    say(
      `   ${scoring.items} articles × ${scoring.dimensions} tags: encrypted in ${scoring.encryptMs.toFixed(0)} ms, scored in ${scoring.serverMs.toFixed(0)} ms, decrypted in ${scoring.decryptMs.toFixed(0)} ms; ${kilobytes(scoring.upBytes)} up, ${kilobytes(scoring.downBytes)} down.`,
    );
    if (scoring.matrixBytes < scoring.upBytes + scoring.downBytes) {
      say(
        style.dim(
          `   For so small a catalogue the planner would rather send the ${kilobytes(scoring.matrixBytes)} item matrix to the client; encryption pays when it is large or secret.`,
        ),
      );
    }
    const explanation = explainOwnTag(device, profile, first.model, first.popularity);

    const result: QuickstartResult = {
      out,
      seconds: (performance.now() - started) / 1000,
      data: summary,
      limits: {
        delta: DELTA,
        user: USER_EPSILON,
        scenes: Object.fromEntries(RETAIL_SCENES.map((scene) => [scene, SCENE_EPSILON])),
      },
      scenes: trained.map((scene) => scene.result),
      budget: await budgetSpending(budget),
      sweep,
      scoring,
      explanation,
    };
    const report = join(out, 'report.html');
    writeFileSync(report, await renderReport(result));
    writeFileSync(join(out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    printTable(result, report, terminal);
    return { result, report };
  } finally {
    await budget.close();
  }
}

function refusedScene(scene: string, message: string, out: string): VelaturaError {
  return new VelaturaError(
    'dp/budget-exceeded',
    `scene "${scene}" was refused: ${message}. The budget in ${out} is spent; it is kept, with what was booked before the refusal. Choose another folder for a fresh simulation.`,
    { scene },
  );
}

async function budgetSpending(budget: PrivacyBudgetAccountant): Promise<BudgetSpending> {
  const [total, ...scenes] = await budget.summary();
  const { ok, entries, head, problems } = await budget.verify();
  if (!ok || total === undefined) {
    throw new VelaturaError('dp/budget-corrupt', `the log does not verify: ${problems.join('; ')}`);
  }
  return {
    accounts: total.accounts,
    epsilonMax: total.epsilonMax,
    epsilonMean: total.epsilonMean,
    epsilonByScene: Object.fromEntries(
      scenes.map((scene) => [scene.scene as string, scene.epsilonMax]),
    ),
    histogram: total.histogram,
    logEntries: entries,
    head,
  };
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
