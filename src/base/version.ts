// The package's version, written into every file that the tool makes. A test holds it equal to package.json.

export const VERSION = '0.1.0';
export const TOOL = `nextgait ${VERSION}`;
