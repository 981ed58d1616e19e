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

export const pickWords = messages({
  hint: { th: 'แผนที่เลือกจุด คลิกเพื่อปักหมุด หรือใช้ปุ่มลูกศรเลื่อนหมุด (กด Shift เพื่อเลื่อนทีละน้อย) แล้วกด Enter ปุ่ม + และ − ขยายหรือย่อ', en: 'Map for choosing a place. Click to set the pin; or move it with the arrow keys (with Shift in small steps) and press Enter. Plus and minus zoom.' },
  search: { th: 'ค้นหาสถานที่ หรือพิมพ์พิกัด', en: 'Search for a place, or type coordinates' },
  searchHint: { th: 'เช่น ชื่อถนน โรงพยาบาล ตำบล หรือ 7.8804, 98.3923', en: 'Such as a street, a hospital, a sub-district, or 7.8804, 98.3923' },
  found: { th: 'สถานที่ที่พบ', en: 'Places found' },
  nothing: { th: 'ไม่พบชื่อนี้ ให้เลือกจุดบนแผนที่', en: 'No such name. Choose the point on the map.' },
  useCoordinates: { th: 'ใช้พิกัด {point}', en: 'Use the coordinates {point}' },
  goThere: { th: 'เลื่อนแผนที่ไปที่นี่', en: 'move the map there' },
  chosen: { th: 'จุดที่เลือก: {place} ({point})', en: 'Chosen: {place} ({point})' },
  draft: { th: 'หมุดอยู่ที่ {place} ({point}) กด Enter เพื่อเลือก', en: 'The pin is at {place} ({point}). Press Enter to choose it.' },
  none: { th: 'ยังไม่ได้เลือกจุด', en: 'No point chosen yet' },
  unknown: { th: 'ยังไม่ทราบจุดเกิดเหตุ', en: 'The place is not known yet' },
  clear: { th: 'ล้างจุดที่เลือก', en: 'Clear the point' },
  outside: { th: 'จุดนี้อยู่นอกพื้นที่ของเมือง โปรดตรวจสอบ', en: 'This point is outside the city. Check it.' },
  offshore: { th: 'จุดนี้อยู่ในทะเล ห่างจาก {place} ประมาณ {distance}', en: 'This point is in the sea, about {distance} from {place}.' },
  road: { th: 'ทางหลวงหมายเลข {ref}', en: 'Highway {ref}' },
  placeless: { th: 'ไม่ทราบเขต', en: 'area not known' },
});
