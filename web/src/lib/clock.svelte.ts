/** One ticking clock for the entire screen, corrected by the server's time, so that ages are right on a PC with a wrong clock. */
class ScreenClock {
  /** ms since the epoch, ticks once a second. */
  now: number = $state(Date.now());
  #skew = 0;

  constructor() {
    if (typeof window !== 'undefined') setInterval(() => (this.now = Date.now() + this.#skew), 1000);
  }

  /** Tell the server's time as just received; small differences are network delay and are left alone. */
  hear(serverTime: string): void {
    const skew = Date.parse(serverTime) - Date.now();
    if (Number.isFinite(skew)) this.#skew = Math.abs(skew) > 2000 ? skew : 0;
  }
}
export const clock = new ScreenClock();
