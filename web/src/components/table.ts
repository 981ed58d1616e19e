export interface Column<Row> {
  id: string;
  label: string;
  /** What the cell says; also what it sorts by unless `sort` is given. */
  text: (row: Row) => string | number | null | undefined;
  sort?: (row: Row) => string | number | null | undefined;
  /** Right-aligned figures; sorts downwards first. */
  number?: boolean;
  /** No sorting by this column. */
  fixed?: boolean;
}
