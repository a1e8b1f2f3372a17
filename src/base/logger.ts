// Text for people. Commands write it to stderr, so that stdout carries results only.

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

export const SILENT: Logger = { info: () => {}, warn: () => {} };

export function streamLogger(write: (text: string) => void): Logger {
  return {
    info: (message) => write(`${message}\n`),
    warn: (message) => write(`warning: ${message}\n`),
  };
}
