import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  here: { th: 'ตำแหน่งของอุปกรณ์นี้ (คลาดเคลื่อนไม่เกิน {metres})', en: 'This device (within {metres})' },
  map: { th: 'แผนที่จังหวัดภูเก็ต', en: 'Map of Phuket' },
  mapHint: { th: 'แผนที่ ใช้ปุ่มลูกศรเลื่อน ปุ่ม + และ − ขยายหรือย่อ ทุกรายการบนแผนที่แสดงในตารางด้วย', en: 'Map. Arrow keys move, plus and minus zoom. Every item is also in the list.' },
  mapFailed: { th: 'เครื่องนี้แสดงแผนที่ไม่ได้ ใช้รายการแทนได้', en: 'This device cannot draw the map. Use the list instead.' },
  layers: { th: 'ชั้นข้อมูล', en: 'Layers' },
  legend: { th: 'คำอธิบายสัญลักษณ์', en: 'Legend' },
  listTitle: { th: 'รายการบนแผนที่', en: 'Items on the map' },
  filter: { th: 'กรองรายการ', en: 'Filter the list' },
  shown: { th: 'แสดง {n} จาก {all} รายการ', en: '{n} of {all} shown' },
  nothingMatches: { th: 'ไม่มีรายการที่ตรงกับคำค้น', en: 'Nothing matches' },
  legendMany: { th: 'หลายรายการอยู่ใกล้กัน', en: 'several close together' },
  clusterHint: { th: 'อยู่ใกล้กันมาก กดเพื่อขยาย', en: 'Close together. Press to zoom in.' },
});
