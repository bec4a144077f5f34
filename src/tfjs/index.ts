export { type LayersModelOptions, LayersModelTrainable } from './layers-model-trainable.ts';
export { loadTfjs, type Tfjs, type TfjsBackend, type TfjsOptions } from './load.ts';
export type { TfjsLoss } from './output-head.ts';
