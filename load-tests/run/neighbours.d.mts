export interface Neighbours {
  simulatorUrl: string | undefined;
  metricsUrls: string;
}

export function findNeighbours(
  env: Record<string, string | undefined>,
  options: { baseUrl: string; directory: string },
): Neighbours;
export function rememberBehaviour(simulatorUrl: string): Promise<{ restore(): Promise<void> }>;
