/** The alert whose panel asks why it is closed. */
class Closing {
  alert: string | null = $state(null);
}
export const closing = new Closing();
