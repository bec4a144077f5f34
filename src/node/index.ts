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
export { ed25519Signer, generateEd25519Seed, verifyEd25519 } from './ed25519.ts';
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
export { nodeSha256 } from './sha256.ts';
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
export {
  TABLE_FORMATS,
  type TableColumn,
  type TableFormat,
  type TableRow,
  type WriteTableOptions,
  writeTable,
} from './table-writer.ts';
