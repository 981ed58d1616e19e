declare module '$shell/room' {
  interface Slots {
    /** Lines of the legend: `<li>` elements. */
    'map.legend': Filler;
  }
}
export {};
