export {
  type BudgetFileOptions,
  budgetKeyPath,
  openBudgetFile,
  openExistingBudgetFile,
  verifyBudgetFile,
} from './budget-file.ts';
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
export { nodeSha256 } from './sha256.ts';
export { openSqliteBudgetStore, type SqliteBudgetStoreOptions } from './sqlite-budget-store.ts';
export {
  badCell,
  cell,
  columnIndex,
  type NumberRule,
  numberColumn,
  readCsv,
  type Table,
} from './table.ts';
