export { openAuditFile, readAuditFile } from './audit-file.ts';
export {
  type ColumnRule,
  DEFAULT_BOUNDS,
  type DropRule,
  type FeatureNorm,
  type NumericRule,
  type OneHotRule,
  parseTrainingBounds,
  readBoundsFile,
  ruleOf,
  type TrainingBounds,
} from './bounds-file.ts';
export {
  type BudgetDatabaseOptions,
  type ExistingBudgetDatabaseOptions,
  openBudgetDatabase,
  openExistingBudgetDatabase,
  type VerifyBudgetDatabaseOptions,
  verifyBudgetDatabase,
} from './budget-database.ts';
export {
  BUDGET_BALANCE_COLUMNS,
  BUDGET_LOG_COLUMNS,
  BUDGET_SPEND_COLUMNS,
  budgetBalanceRows,
  budgetLogRows,
  budgetSpendRows,
} from './budget-export.ts';
export {
  type BudgetFileOptions,
  budgetKeyPath,
  type ExistingBudgetFileOptions,
  openBudgetFile,
  openExistingBudgetFile,
  type VerifyBudgetFileOptions,
  verifyBudgetFile,
} from './budget-file.ts';
export {
  type Approval,
  Approvals,
  approvalMessage,
  type LiveModel,
} from './coordinator/approvals.ts';
export {
  type CoordinatorAppOptions,
  type CoordinatorLimits,
  coordinatorApp,
} from './coordinator/coordinator-app.ts';
export { CoordinatorDatabase } from './coordinator/coordinator-database.ts';
export {
  type CoordinatorServer,
  type CoordinatorServerOptions,
  serveCoordinator,
} from './coordinator/coordinator-server.ts';
export { type InviteTerms, MemberDirectory } from './coordinator/member-directory.ts';
export { openApiDocument as coordinatorOpenApi } from './coordinator/open-api.ts';
export { type Role, type RoleHolder, tokenDigest } from './coordinator/roles.ts';
export {
  openSqliteLiveJournal,
  type SqliteLiveJournalOptions,
} from './coordinator/sqlite-live-journal.ts';
export type { ModelSource } from './dp-sgd-messages.ts';
export { DpSgdCrew } from './dp-sgd-workers.ts';
export { ed25519Signer, generateEd25519Seed, verifyEd25519 } from './ed25519.ts';
export { openModelFolder } from './model-folder.ts';
export {
  ONLINE_RETAIL_FOLDER,
  RETAIL_CUT_OFF,
  RETAIL_SCENES,
  type RetailItem,
  type RetailProfiles,
  type RetailScene,
  readRetailEvents,
  readRetailItems,
  readRetailProfiles,
} from './online-retail.ts';
export {
  openPostgresBudgetStore,
  PostgresBudgetStore,
  type PostgresBudgetStoreOptions,
} from './postgres-budget-store.ts';
export type { PostgresAddress, PostgresTimeouts } from './postgres-connection.ts';
export { openProfileFile } from './profile-file.ts';
export { FolderRoundJournal } from './round-journal-folder.ts';
export { loadCatalogue, saveCatalogue } from './scoring-catalogue-file.ts';
export { type ItemFileOptions, type ItemMatrix, readItems } from './scoring-items.ts';
export { DEFAULT_SCORING_LIMITS, type ScoringLimits } from './scoring-limits.ts';
export { scoringOpenApi } from './scoring-openapi.ts';
export { type ScoringRoutesOptions, scoringRoutes } from './scoring-routes.ts';
export {
  type ScoringServer,
  type ScoringServerOptions,
  startScoringServer,
} from './scoring-server.ts';
export { ScoringThreads } from './scoring-threads.ts';
export { NodeSecAggCrypto } from './secagg-crypto.ts';
export { nodeSha256 } from './sha256.ts';
export { loadSimulationCheckpoint, saveSimulationCheckpoint } from './simulation-checkpoint.ts';
export {
  SimulationThreads,
  type SimulationThreadsOptions,
  startSimulationThreads,
} from './simulation-workers.ts';
export {
  createSqliteBudgetStore,
  openSqliteBudgetStore,
  SqliteBudgetStore,
  type SqliteBudgetStoreOptions,
  type TransactionPoint,
} from './sqlite-budget-store.ts';
export { SqliteThreads } from './sqlite-threads.ts';
export {
  badCell,
  cell,
  columnIndex,
  type NumberRule,
  numberColumn,
  readCsv,
  type Table,
} from './table.ts';
export { readTable, TABLE_ENDINGS } from './table-reader.ts';
export {
  TABLE_FORMATS,
  type TableColumn,
  type TableFormat,
  type TableRow,
  type WriteTableOptions,
  writeTable,
} from './table-writer.ts';
export {
  buildTrainingTable,
  type TableReadings,
  type TrainingColumns,
  type TrainingTable,
} from './training-table.ts';
export { UnmaskingThreads } from './unmasking-threads.ts';
