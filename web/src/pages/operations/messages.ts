import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  title: { th: 'ปฏิบัติการ', en: 'Operations' },
});
