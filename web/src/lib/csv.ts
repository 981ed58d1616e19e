/**
 * Tables as CSV files for spreadsheets: UTF-8 with a byte order mark, so that Excel reads Thai; RFC 4180 quoting. Numbers are
 * written as they are. A text that a spreadsheet would run as a formula gets an apostrophe in front.
 */
export type Cell = string | number | boolean | null | undefined;

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function cell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const said = String(value);
  const text = FORMULA.test(said) && !NUMBER.test(said) ? `'${said}` : said;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvText(rows: readonly (readonly Cell[])[]): string {
  return `\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** A file name of a title: Thai and Latin letters stay, the rest becomes hyphens. */
export const fileName = (title: string): string => `${title.trim().replace(/[^\p{L}\p{M}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 80) || 'table'}.csv`;

/**
 * The cells of a table of the page, with its headings. `data-raw` is the value of a cell where its text is not. A cell that covers
 * several is repeated, so that each row stands for itself.
 */
export function tableCells(table: HTMLTableElement | null): Cell[][] {
  const grid: HTMLTableCellElement[][] = [];
  for (const [at, row] of [...(table?.rows ?? [])].entries()) {
    const cells = (grid[at] ??= []);
    let place = 0;
    for (const cell of row.cells) {
      while (cells[place]) place += 1;
      for (let down = 0; down < cell.rowSpan; down += 1) for (let right = 0; right < cell.colSpan; right += 1) (grid[at + down] ??= [])[place + right] = cell;
    }
  }
  const left = new Set(grid[0]?.flatMap((cell, place) => ('noFile' in cell.dataset ? [place] : [])));
  const texts = new Map([...new Set(grid.flat())].map((cell) => [cell, cell.dataset['raw'] ?? spoken(cell)]));
  return grid.map((cells) => [...cells].filter((_, place) => !left.has(place)).map((cell) => (cell ? texts.get(cell) : '')));
}

/** What a cell says, without the signs that only the eye needs. */
function spoken(cell: HTMLTableCellElement): string {
  const signs = [...cell.querySelectorAll<HTMLElement>('[aria-hidden=true]')].map((one) => one.innerText).filter(Boolean);
  return signs.reduce((text, sign) => text.replace(sign, ' '), cell.innerText).replace(/\s+/g, ' ').trim();
}

/** Hand the file to the person. */
export function saveCsv(title: string, rows: readonly (readonly Cell[])[]): void {
  const address = URL.createObjectURL(new Blob([csvText(rows)], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName(title);
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
