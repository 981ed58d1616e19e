import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  crossed: { th: '{what} {value} (เกณฑ์ {limit})', en: '{what} {value} (limit {limit})' },
  silent: { th: '{what} ไม่มีข้อมูลมา {time}', en: '{what}: no data for {time}' },
  within: { th: 'ใน {time}', en: 'within {time}' },
});
