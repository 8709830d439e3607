/** sysexits.h EX_CONFIG: starting again changes nothing until somebody changes a setting or installs something. */
export const EXIT_CONFIGURATION = 78;

/** A start that failed for a reason its reader can mend. The message is one line and says what to do next. */
export class StartError extends Error {
  override readonly name = 'StartError';

  constructor(
    message: string,
    readonly exitCode: number = 1,
  ) {
    super(message);
  }
}
