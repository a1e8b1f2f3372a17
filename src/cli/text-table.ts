// Tables for a terminal: columns as wide as their widest cell, numbers to the right.

/** Lines of a table; the first row is its head. Columns after the first are aligned to the right. */
export function textTable(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const columnCount = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: columnCount }, (_, column) =>
    rows.reduce((most, row) => Math.max(most, (row[column] ?? '').length), 0),
  );
  return rows.map((row) =>
    (
      indent +
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')
    ).trimEnd(),
  );
}
