export interface Column<Row> {
  id: string;
  label: string;
  /** What the cell says; also what it sorts by unless `sort` is given. */
  text: (row: Row) => string | number | null | undefined;
  sort?: (row: Row) => string | number | null | undefined;
  /** Right-aligned figures; sorts downwards first. */
  number?: boolean;
  /** What a file has, where it is not `sort` (figures) or `text`. */
  raw?: (row: Row) => string | number | null | undefined;
  /** No sorting by this column. */
  fixed?: boolean;
}
