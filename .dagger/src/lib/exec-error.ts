/** What Dagger tells of a command that failed. */
export interface ExecFailure {
  cmd: string[];
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * The failed command behind an error, if there is one. Told by its shape: the SDK
 * that engines bundle with a module does not export its ExecError class.
 */
export function execFailure(error: unknown): ExecFailure | undefined {
  if (!(error instanceof Error) || !("exitCode" in error) || !("stderr" in error)) return undefined;
  const { cmd, exitCode, stdout, stderr } = error as Error & Partial<ExecFailure>;
  return { cmd: cmd ?? [], exitCode: exitCode ?? 1, stdout: stdout ?? "", stderr: stderr ?? "" };
}
