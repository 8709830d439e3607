type Environment = Record<string, string | undefined>;

/** What scenarios.mjs says of each script. */
export interface Scenario {
  about: string;
  sale(env: Environment): { stock: number; perUserLimit: number; paymentWindowSeconds: number };
  usesSimulator?: boolean;
  endsFinished?: boolean;
  atMost?: { figure: string; other: string; times: number };
  findsLimit?: boolean;
}

export const SCENARIOS: Record<string, Scenario>;
export function wholeNumber(name: string, text: string | undefined, otherwise: number): number;
