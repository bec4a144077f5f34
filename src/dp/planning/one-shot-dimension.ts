/**
 * Length of the one upload of a linear model: d(d+1)/2 second moments and d·L cross moments of a user.
 *
 * @param inputDimension - features, the constant included
 * @param outputDimension - labels
 */
export function oneShotDimension(inputDimension: number, outputDimension: number): number {
  return (inputDimension * (inputDimension + 1)) / 2 + inputDimension * outputDimension;
}
