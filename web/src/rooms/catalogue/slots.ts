declare module '$shell/room' {
  interface Slots {
    /** Panels of the page "City data", above the catalogue. */
    'data.sections': Filler;
  }
}
export {};
