export { type AdultVariant, loadAdult } from './adult.ts';
export { loadMovieTweetings, type MovieTweetingsVariant } from './movietweetings.ts';
export { loadMsweb, type MswebVariant } from './msweb.ts';
export { loadOnlineRetail, type OnlineRetailVariant } from './online-retail.ts';
export { loadOnlineShoppers, type OnlineShoppersVariant } from './online-shoppers.ts';
export {
  EVALUATION_SPLITS,
  type Split,
  splitUsers,
  type TaskMetric,
  tagTable,
  type UtilityTask,
} from './task.ts';
