/**
 * What the city's data says, in words: types, layers, attributes and their codes (docs/vocabulary.md). Only tables:
 * the map, the search, the panels and the symbols read them here, and no other module lists types or their words.
 */
import { originWords, severityWords, statusWords } from '$components/messages';
import type { Message } from '$lib/i18n.svelte';

export interface TypeRow {
  readonly words: Message;
  /** What it says of itself, beside `location`, `origin`, `source`, `agency` and `dataset`, which everything has. */
  readonly attributes: readonly string[];
  /** Its sign on the map: a glyph of map/glyphs.ts. */
  readonly icon?: string;
  /** The layer of the map that shows it. */
  readonly layer?: string;
  /** Can be found by its name. */
  readonly searched: boolean;
  /** The attribute whose code says what kind of thing it is, in place of `words`. */
  readonly kind?: string;
  /** The short line below its name: the first of these that it has, or all of them. Without it: `MEASURES`. */
  readonly brief?: { readonly first: readonly string[] } | { readonly all: readonly string[] };
  /** Other types are special kinds of it; their words are better. */
  readonly general?: true;
}
export interface LayerRow {
  readonly words: Message;
  /** Shown when the address says nothing. */
  readonly on: boolean;
  /** Symbols appear from this zoom on. */
  readonly minZoom?: number;
}
export interface AttributeRow {
  readonly words?: Message;
  /** UN/CEFACT code, used where the entity itself does not name a unit. */
  readonly unit?: string;
  readonly codes?: Readonly<Record<string, CodeRow>>;
  /** Where the platform lists its codes and their names, if a city can edit them. */
  readonly register?: string;
  /** An amount in seconds or metres that is read better in other words. */
  readonly shown?: 'duration' | 'distance' | 'code';
  /** Of the machinery, or shown elsewhere: not among the values, not among the changes. */
  readonly hidden?: true;
  /** Its value, or each of its values, is the last part of the id of an entity of this type. */
  readonly lastPartOf?: string;
  /** A thing without a place of its own is where this one refers to. */
  readonly place?: true;
}
export interface CodeRow extends Message {
  readonly icon?: string;
}

export const types: Readonly<Record<string, TypeRow>> = {
  Alert: {
    words: { th: 'การแจ้งเตือน', en: 'Alert' },
    attributes: [
      'name', 'alertStatus', 'severity', 'urgency', 'certainty', 'category', 'alertSource', 'rule', 'dateIssued',
      'lastSeen', 'occurrences', 'data', 'onset', 'signalStep', 'acknowledgedBy', 'acknowledgedAt', 'acknowledgeNote',
      'clearedAt', 'clearReason', 'closedBy', 'closedAt', 'closeReason', 'instruction', 'incidentType', 'refIncident',
    ],
    layer: 'alerts',
    searched: true,
    brief: { first: ['alertStatus'] },
  },
  Incident: {
    words: { th: 'เหตุ', en: 'Incident' },
    attributes: [
      'name', 'incidentType', 'incidentStatus', 'severity', 'priority', 'description', 'address', 'reporterName',
      'reporterPhone', 'refAlert', 'openedAt', 'closedAt', 'outcome', 'entryCount',
    ],
    layer: 'incidents',
    searched: true,
    brief: { first: ['incidentStatus'] },
  },
  TimelineEntry: {
    words: { th: 'บันทึกเหตุการณ์', en: 'Timeline entry' },
    attributes: ['refIncident', 'refUnit', 'refAssignment'],
    searched: false,
  },
  Assignment: {
    words: { th: 'การมอบหมายหน่วย', en: 'Assignment' },
    attributes: [
      'refIncident', 'refUnit', 'assignmentStatus', 'etaSeconds', 'routeLengthM', 'route', 'reasonChosen',
      'assignedAt', 'enRouteAt', 'onSceneAt', 'clearAt', 'assignedBy',
    ],
    searched: false,
  },
  EmergencyUnit: {
    words: { th: 'หน่วยฉุกเฉิน', en: 'Emergency unit' },
    attributes: [
      'name', 'unitType', 'unitStatus', 'statusNote', 'callSign', 'homeStation', 'crew', 'assignmentCount',
      'refIncident', 'refAssignment',
    ],
    icon: 'truck',
    layer: 'units',
    searched: true,
    kind: 'unitType',
    brief: { first: ['unitStatus'] },
  },
  Vehicle: {
    words: { th: 'ยานพาหนะ', en: 'Vehicle' },
    attributes: [
      'name', 'vehicleType', 'speed', 'bearing', 'serviceStatus', 'refRoute', 'nextStop', 'delay', 'direction',
      'trip',
    ],
    layer: 'vehicles',
    searched: true,
  },
  WeatherObserved: {
    words: { th: 'สภาพอากาศ', en: 'Weather' },
    attributes: [
      'windSpeed', 'windDirection', 'precipitation', 'precipitation1h', 'precipitation24h', 'visibility',
      'weatherType', 'temperature', 'relativeHumidity', 'atmosphericPressure', 'pm25', 'stationCode', 'replayOf',
    ],
    icon: 'drop',
    layer: 'weather',
    searched: true,
  },
  SeaLevelObserved: {
    words: { th: 'ระดับน้ำทะเล', en: 'Sea level' },
    attributes: [
      'tideLevel', 'tideLevelMsl', 'tideState', 'nextHighTide', 'nextLowTide', 'nextHighTideLevel',
      'nextLowTideLevel', 'uncertaintyM',
    ],
    icon: 'wave',
    layer: 'weather',
    searched: true,
  },
  Device: {
    words: { th: 'อุปกรณ์', en: 'Device' },
    attributes: ['name', 'value', 'batteryLevel', 'waterLevel'],
    icon: 'sensor',
    layer: 'devices',
    searched: true,
  },
  DeviceMeasurement: {
    words: { th: 'ค่าจากอุปกรณ์', en: 'Device measurement' },
    attributes: ['name', 'value', 'batteryLevel', 'waterLevel'],
    icon: 'sensor',
    layer: 'devices',
    searched: true,
  },
  RoadAccident: {
    words: { th: 'อุบัติเหตุทางถนน', en: 'Road accident' },
    attributes: [
      'accidentDate', 'deaths', 'injured', 'vehicleType', 'vehicleCount', 'presumedCause', 'accidentType',
      'weatherType', 'roadSection', 'roadDescription', 'slopeDescription', 'replayOf', 'refAccident',
    ],
    layer: 'accidents',
    searched: true,
    brief: { all: ['accidentDate', 'deaths', 'injured'] },
  },
  Hospital: {
    words: { th: 'โรงพยาบาล', en: 'Hospital' },
    attributes: ['name', 'category', 'telephone', 'address', 'nameDerived'],
    icon: 'cross',
    layer: 'health',
    searched: true,
  },
  Clinic: {
    words: { th: 'คลินิก', en: 'Clinic' },
    attributes: ['name', 'category', 'telephone', 'address', 'nameDerived'],
    icon: 'cross',
    layer: 'health',
    searched: true,
  },
  PoliceStation: {
    words: { th: 'สถานีตำรวจ', en: 'Police station' },
    attributes: ['name', 'category', 'telephone', 'address', 'nameDerived'],
    icon: 'shield',
    layer: 'police',
    searched: true,
  },
  FireStation: {
    words: { th: 'สถานีดับเพลิง', en: 'Fire station' },
    attributes: ['name', 'category', 'telephone', 'address', 'nameDerived'],
    icon: 'flame',
    layer: 'fire',
    searched: true,
  },
  School: {
    words: { th: 'โรงเรียน', en: 'School' },
    attributes: ['name', 'category', 'telephone', 'address', 'nameDerived'],
    icon: 'cap',
    layer: 'schools',
    searched: true,
  },
  PointOfInterest: {
    words: { th: 'สถานที่', en: 'Place' },
    attributes: ['name', 'category', 'telephone', 'address', 'nameDerived'],
    searched: false,
    general: true,
  },
  PublicTransportStop: {
    words: { th: 'ป้ายรถโดยสาร', en: 'Bus stop' },
    attributes: ['name', 'routeCodes', 'stopCode'],
    icon: 'bus',
    layer: 'stops',
    searched: true,
  },
  PublicTransportRoute: {
    words: { th: 'เส้นทางรถโดยสาร', en: 'Bus line' },
    attributes: ['name', 'shortRouteCode', 'routeColor', 'direction', 'operator', 'length', 'refStops', 'timetable'],
    layer: 'lines',
    searched: true,
  },
  AdministrativeArea: {
    words: { th: 'เขตการปกครอง', en: 'Administrative area' },
    attributes: [
      'name', 'alternateName', 'level', 'code', 'areaKm2', 'officialAreaKm2', 'population', 'populationMale',
      'populationFemale', 'postalCode', 'partOf', 'labelPoint',
    ],
    searched: false,
  },
  RoadSegment: {
    words: { th: 'ช่วงถนน', en: 'Road segment' },
    attributes: ['name', 'roadClass', 'ref', 'laneCount', 'length', 'startNode', 'endNode', 'osmWay'],
    searched: false,
  },
};

/** Layers of the map in drawing order: the first lies lowest. */
export const layers: Readonly<Record<string, LayerRow>> = {
  lines: { words: { th: 'เส้นทางรถโดยสาร', en: 'Bus lines' }, on: false },
  accidents: { words: { th: 'อุบัติเหตุที่ผ่านมา', en: 'Past road accidents' }, on: false },
  stops: { words: { th: 'ป้ายรถโดยสาร', en: 'Bus stops' }, on: false, minZoom: 11.5 },
  schools: { words: { th: 'โรงเรียน', en: 'Schools' }, on: false, minZoom: 11 },
  police: { words: { th: 'สถานีตำรวจ', en: 'Police stations' }, on: false },
  fire: { words: { th: 'สถานีดับเพลิง', en: 'Fire stations' }, on: false },
  health: { words: { th: 'โรงพยาบาลและคลินิก', en: 'Hospitals and clinics' }, on: true },
  weather: { words: { th: 'ฝน อากาศ และทะเล', en: 'Rain, weather and sea' }, on: true },
  devices: { words: { th: 'อุปกรณ์ตรวจวัด', en: 'Sensors' }, on: true },
  vehicles: { words: { th: 'ยานพาหนะ', en: 'Vehicles' }, on: true },
  units: { words: { th: 'หน่วยฉุกเฉิน', en: 'Emergency units' }, on: true },
  incidents: { words: { th: 'เหตุที่ดำเนินการ', en: 'Incidents' }, on: true },
  alerts: { words: { th: 'การแจ้งเตือน', en: 'Alerts' }, on: true },
};

export const attributes: Readonly<Record<string, AttributeRow>> = {
  name: { words: { th: 'ชื่อ', en: 'Name' } },
  origin: { words: { th: 'ที่มาของค่า', en: 'How it came to be' }, hidden: true, codes: originWords },
  source: { words: { th: 'แหล่งข้อมูล', en: 'Source' }, hidden: true },
  agency: { words: { th: 'หน่วยงาน', en: 'Agency' }, shown: 'code', hidden: true },
  dataset: { words: { th: 'ชุดข้อมูล', en: 'Dataset' }, hidden: true },
  category: {
    words: { th: 'หมวด', en: 'Category' },
    codes: {
      Geo: { th: 'ธรณีพิบัติ', en: 'Geophysical' },
      Met: { th: 'อุตุนิยมวิทยา', en: 'Meteorological' },
      Safety: { th: 'ความปลอดภัย', en: 'Safety' },
      Security: { th: 'ความมั่นคง', en: 'Security' },
      Rescue: { th: 'กู้ภัย', en: 'Rescue' },
      Fire: { th: 'อัคคีภัย', en: 'Fire' },
      Health: { th: 'สาธารณสุข', en: 'Health' },
      Env: { th: 'สิ่งแวดล้อม', en: 'Environment' },
      Transport: { th: 'คมนาคม', en: 'Transport' },
      Infra: { th: 'โครงสร้างพื้นฐาน', en: 'Infrastructure' },
      Other: { th: 'อื่น ๆ', en: 'Other' },
      hospital: { th: 'โรงพยาบาล', en: 'Hospital' },
      clinic: { th: 'คลินิก', en: 'Clinic' },
      police: { th: 'สถานีตำรวจ', en: 'Police' },
      policePost: { th: 'ที่พักสายตรวจ', en: 'Police post' },
      policeStation: { th: 'สถานีตำรวจ', en: 'Police station' },
      fire_station: { th: 'สถานีดับเพลิง', en: 'Fire station' },
      fireStation: { th: 'สถานีดับเพลิง', en: 'Fire station' },
      airportFireStation: { th: 'สถานีดับเพลิงท่าอากาศยาน', en: 'Airport fire station' },
      school: { th: 'โรงเรียน', en: 'School' },
      college: { th: 'วิทยาลัย', en: 'College' },
      university: { th: 'มหาวิทยาลัย', en: 'University' },
    },
  },
  speed: { words: { th: 'ความเร็ว', en: 'Speed' }, unit: 'KMH' },
  bearing: { words: { th: 'ทิศทาง', en: 'Bearing' }, unit: 'DD' },
  vehicleType: {
    words: { th: 'ประเภทรถ', en: 'Vehicle type' },
    codes: {
      bus: { th: 'รถโดยสาร', en: 'bus' },
      motorcycle: { th: 'รถจักรยานยนต์', en: 'motorcycle' },
      '4-wheel pickup truck': { th: 'รถกระบะ 4 ล้อ', en: '4-wheel pickup truck' },
      'private/passenger car': { th: 'รถยนต์นั่งส่วนบุคคล', en: 'private car' },
      'large truck with trailer': { th: 'รถบรรทุกพ่วง', en: 'large truck with trailer' },
      '6-wheel truck': { th: 'รถบรรทุก 6 ล้อ', en: '6-wheel truck' },
      '7-10-wheel truck': { th: 'รถบรรทุก 7–10 ล้อ', en: '7–10-wheel truck' },
      van: { th: 'รถตู้', en: 'van' },
      'large passenger vehicle': { th: 'รถโดยสารขนาดใหญ่', en: 'large passenger vehicle' },
      other: { th: 'อื่น ๆ', en: 'other' },
    },
  },
  serviceStatus: {
    words: { th: 'สถานะการให้บริการ', en: 'Service status' },
    codes: {
      inService: { th: 'ให้บริการ', en: 'In service' },
      onRoute: { th: 'กำลังให้บริการ', en: 'On route' },
      parked: { th: 'จอด', en: 'Parked' },
      atStop: { th: 'จอดที่ป้าย', en: 'At a stop' },
    },
  },
  refRoute: { words: { th: 'เส้นทาง', en: 'Line' } },
  direction: {
    words: { th: 'ทิศทางเดินรถ', en: 'Direction' },
    codes: {
      northbound: { th: 'มุ่งเหนือ', en: 'northbound' },
      southbound: { th: 'มุ่งใต้', en: 'southbound' },
      eastbound: { th: 'มุ่งตะวันออก', en: 'eastbound' },
      westbound: { th: 'มุ่งตะวันตก', en: 'westbound' },
      loop: { th: 'วนรอบ', en: 'loop' },
      outbound: { th: 'ขาออก', en: 'Outbound' },
      inbound: { th: 'ขาเข้า', en: 'Inbound' },
    },
  },
  nextStop: { words: { th: 'ป้ายถัดไป', en: 'Next stop' } },
  delay: { words: { th: 'ล่าช้า', en: 'Delay' } },
  windSpeed: { words: { th: 'ความเร็วลม', en: 'Wind speed' }, unit: 'KMH' },
  windDirection: { words: { th: 'ทิศทางลม', en: 'Wind direction' }, unit: 'DD' },
  precipitation: { words: { th: 'ปริมาณฝน', en: 'Rain' }, unit: 'MMT' },
  precipitation24h: { words: { th: 'ปริมาณฝน 24 ชั่วโมง', en: 'Rain in 24 hours' }, unit: 'MMT' },
  visibility: { words: { th: 'ทัศนวิสัย', en: 'Visibility' } },
  weatherType: {
    words: { th: 'ลักษณะอากาศ', en: 'Weather' },
    codes: {
      rainy: { th: 'ฝนตก', en: 'rainy' },
      clear: { th: 'แจ่มใส', en: 'clear' },
      'natural disaster': { th: 'ภัยธรรมชาติ', en: 'natural disaster' },
      foggy: { th: 'มีหมอก', en: 'foggy' },
    },
  },
  temperature: { words: { th: 'อุณหภูมิ', en: 'Temperature' }, unit: 'CEL' },
  relativeHumidity: { words: { th: 'ความชื้นสัมพัทธ์', en: 'Relative humidity' } },
  atmosphericPressure: { words: { th: 'ความกดอากาศ', en: 'Air pressure' } },
  pm25: { words: { th: 'ฝุ่น PM2.5', en: 'PM2.5' }, unit: 'GQ' },
  tideLevel: { words: { th: 'ระดับน้ำ', en: 'Tide level' }, unit: 'MTR' },
  tideState: {
    words: { th: 'น้ำขึ้น/น้ำลง', en: 'Tide' },
    codes: {
      rising: { th: 'น้ำกำลังขึ้น', en: 'rising' },
      falling: { th: 'น้ำกำลังลง', en: 'falling' },
    },
  },
  nextHighTide: { words: { th: 'น้ำขึ้นสูงสุดครั้งถัดไป', en: 'Next high tide' } },
  nextLowTide: { words: { th: 'น้ำลงต่ำสุดครั้งถัดไป', en: 'Next low tide' } },
  accidentDate: { words: { th: 'วันเวลาเกิดเหตุ', en: 'Date of accident' } },
  deaths: { words: { th: 'เสียชีวิต', en: 'Deaths' }, unit: 'IE' },
  injured: { words: { th: 'บาดเจ็บ', en: 'Injured' }, unit: 'IE' },
  presumedCause: {
    words: { th: 'สาเหตุสันนิษฐาน', en: 'Presumed cause' },
    codes: {
      speeding: { th: 'ขับรถเร็วเกินอัตรากำหนด', en: 'speeding' },
      'cutting in closely by people/vehicles/animals': { th: 'คน รถ หรือสัตว์ตัดหน้าระยะกระชั้นชิด', en: 'people, vehicles or animals cutting in' },
      'driving under the influence of alcohol': { th: 'เมาสุรา', en: 'driving under the influence of alcohol' },
      'falling asleep': { th: 'หลับใน', en: 'falling asleep' },
      'vehicle equipment failure': { th: 'อุปกรณ์รถบกพร่อง', en: 'vehicle equipment failure' },
      'running red lights/traffic signals': { th: 'ฝ่าฝืนสัญญาณไฟจราจร', en: 'running red lights' },
      'slippery road': { th: 'ถนนลื่น', en: 'slippery road' },
      'overloaded vehicle': { th: 'บรรทุกเกินอัตรา', en: 'overloaded vehicle' },
      'unfamiliarity with the route/unskilled driving': { th: 'ไม่ชำนาญทางหรือขับรถไม่ชำนาญ', en: 'unfamiliar with the route or unskilled' },
    },
  },
  accidentType: {
    words: { th: 'ลักษณะการเกิดเหตุ', en: 'Kind of accident' },
    codes: {
      'rollover/fallen on straight road': { th: 'พลิกคว่ำบนทางตรง', en: 'rollover on a straight road' },
      'rollover/fallen on curved road': { th: 'พลิกคว่ำบนทางโค้ง', en: 'rollover on a curve' },
      'rear-end collision': { th: 'ชนท้าย', en: 'rear-end collision' },
      'head-on collision (not overtaking)': { th: 'ชนประสานงา (ไม่ใช่การแซง)', en: 'head-on collision (not overtaking)' },
      'collision with obstruction (on road surface)': { th: 'ชนสิ่งกีดขวางบนผิวจราจร', en: 'collision with an obstruction' },
      'pedestrian collision': { th: 'ชนคนเดินเท้า', en: 'pedestrian hit' },
      'collision at intersection corner': { th: 'ชนที่มุมทางแยก', en: 'collision at a junction' },
    },
  },
  unitType: {
    words: { th: 'ประเภทหน่วย', en: 'Kind of unit' },
    codes: {
      ambulance: { th: 'รถพยาบาล', en: 'Ambulance', icon: 'star' },
      fireEngine: { th: 'รถดับเพลิง', en: 'Fire engine', icon: 'flame' },
      policePatrol: { th: 'สายตรวจ', en: 'Police patrol', icon: 'shield' },
      rescueBoat: { th: 'เรือกู้ภัย', en: 'Rescue boat', icon: 'boat' },
      ddpmTeam: { th: 'ชุดปฏิบัติการ ปภ.', en: 'DDPM team', icon: 'triangle' },
      towTruck: { th: 'รถยก', en: 'Tow truck', icon: 'hook' },
    },
  },
  unitStatus: { words: { th: 'สถานะหน่วย', en: 'Unit state' }, codes: statusWords },
  homeStation: { words: { th: 'ที่ตั้งหน่วย', en: 'Home station' } },
  crew: { words: { th: 'กำลังพล', en: 'Crew' }, unit: 'IE' },
  alertStatus: { words: { th: 'สถานะการแจ้งเตือน', en: 'Alert state' }, codes: statusWords },
  severity: { words: { th: 'ความรุนแรง', en: 'Severity' }, codes: severityWords },
  urgency: {
    words: { th: 'ความเร่งด่วน', en: 'Urgency' },
    codes: {
      Immediate: { th: 'ทันที', en: 'Immediate' },
      Expected: { th: 'คาดว่าจะเกิด', en: 'Expected' },
      Future: { th: 'ในอนาคต', en: 'Future' },
      Past: { th: 'ผ่านไปแล้ว', en: 'Past' },
    },
  },
  certainty: {
    words: { th: 'ความแน่นอน', en: 'Certainty' },
    codes: {
      Observed: { th: 'เกิดขึ้นจริง', en: 'Observed' },
      Likely: { th: 'น่าจะเกิด', en: 'Likely' },
      Possible: { th: 'อาจเกิด', en: 'Possible' },
      Unlikely: { th: 'ไม่น่าเกิด', en: 'Unlikely' },
    },
  },
  rule: { words: { th: 'กฎที่ใช้', en: 'Rule' } },
  dateIssued: { words: { th: 'แจ้งเมื่อ', en: 'Issued' } },
  lastSeen: { words: { th: 'พบล่าสุด', en: 'Last seen' } },
  occurrences: { words: { th: 'จำนวนครั้ง', en: 'Occurrences' } },
  acknowledgedBy: { words: { th: 'ผู้รับทราบ', en: 'Acknowledged by' } },
  alertSource: { words: { th: 'ต้นเหตุของการแจ้งเตือน', en: 'What raised it' }, place: true },
  refUnit: { words: { th: 'หน่วย', en: 'Unit' }, place: true },
  refIncident: { words: { th: 'เหตุ', en: 'Incident' }, place: true },
  refAlert: { words: { th: 'การแจ้งเตือน', en: 'Alert' }, place: true },
  incidentType: { words: { th: 'ประเภทเหตุ', en: 'Kind of incident' }, register: '/api/command/incident-types' },
  incidentStatus: { words: { th: 'สถานะเหตุ', en: 'Incident state' }, codes: statusWords },
  priority: { words: { th: 'ลำดับความสำคัญ', en: 'Priority' } },
  description: { words: { th: 'รายละเอียด', en: 'Description' } },
  address: { words: { th: 'สถานที่', en: 'Place' } },
  reporterName: { words: { th: 'ผู้แจ้ง', en: 'Reporter' } },
  reporterPhone: { words: { th: 'โทรศัพท์ผู้แจ้ง', en: "Reporter's phone" } },
  openedAt: { words: { th: 'เปิดเหตุเมื่อ', en: 'Opened' } },
  closedAt: { words: { th: 'ปิดเหตุเมื่อ', en: 'Closed' } },
  outcome: { words: { th: 'ผลการดำเนินการ', en: 'Outcome' } },
  roadClass: { words: { th: 'ชั้นทาง', en: 'Road class' } },
  ref: { words: { th: 'หมายเลขทาง', en: 'Road number' } },
  laneCount: { words: { th: 'จำนวนช่องจราจร', en: 'Lanes' } },
  length: { words: { th: 'ความยาว', en: 'Length' }, unit: 'MTR' },
  level: {
    words: { th: 'ระดับ', en: 'Level' },
    codes: {
      province: { th: 'จังหวัด', en: 'Province' },
      amphoe: { th: 'อำเภอ', en: 'District (amphoe)' },
      tambon: { th: 'ตำบล', en: 'Subdistrict (tambon)' },
    },
  },
  code: { words: { th: 'รหัส', en: 'Code' } },
  areaKm2: { words: { th: 'พื้นที่', en: 'Area' }, unit: 'KMK' },
  population: { words: { th: 'ประชากร', en: 'Population' } },
  postalCode: { words: { th: 'รหัสไปรษณีย์', en: 'Postal code' } },
  routeCodes: { words: { th: 'สายที่จอด', en: 'Lines that stop here' }, lastPartOf: 'PublicTransportRoute', hidden: true },
  shortRouteCode: { words: { th: 'สาย', en: 'Line code' } },
  value: { words: { th: 'ค่า', en: 'Value' } },
  batteryLevel: { words: { th: 'แบตเตอรี่', en: 'Battery' } },
  waterLevel: { words: { th: 'ระดับน้ำ', en: 'Water level' }, unit: 'MTR' },
  alternateName: { words: { th: 'ชื่ออื่น', en: 'Also called' } },
  officialAreaKm2: { words: { th: 'พื้นที่ตามประกาศทางการ', en: 'Official area' }, unit: 'KMK' },
  partOf: { words: { th: 'อยู่ใน', en: 'Part of' } },
  populationFemale: { words: { th: 'ประชากรหญิง', en: 'Women' } },
  populationMale: { words: { th: 'ประชากรชาย', en: 'Men' } },
  instruction: { words: { th: 'ข้อแนะนำ', en: 'Advice' } },
  onset: { words: { th: 'เริ่มเกิด', en: 'Onset' } },
  clearedAt: { words: { th: 'กลับสู่ปกติเมื่อ', en: 'Cleared' } },
  clearReason: {
    words: { th: 'เหตุที่กลับสู่ปกติ', en: 'Why cleared' },
    codes: {
      condition: { th: 'ค่ากลับสู่เกณฑ์ปกติ', en: 'the value is normal again' },
      expired: { th: 'ครบกำหนดเวลา', en: 'the time ran out' },
      'rule changed': { th: 'กฎการแจ้งเตือนเปลี่ยนแปลง', en: 'the rule was changed' },
      'entity deleted': { th: 'แหล่งที่มาถูกลบ', en: 'the source was deleted' },
      superseded: { th: 'มีการแจ้งเตือนอื่นแทน', en: 'another alert replaced it' },
    },
  },
  acknowledgedAt: { words: { th: 'รับทราบเมื่อ', en: 'Acknowledged' } },
  acknowledgeNote: { words: { th: 'บันทึกการรับทราบ', en: 'Note' } },
  closedBy: { words: { th: 'ผู้ปิด', en: 'Closed by' } },
  closeReason: { words: { th: 'เหตุผลที่ปิด', en: 'Why closed' } },
  telephone: { words: { th: 'โทรศัพท์', en: 'Telephone' } },
  callSign: { words: { th: 'นามเรียกขาน', en: 'Call sign' } },
  statusNote: { words: { th: 'หมายเหตุสถานะ', en: 'Note on state' } },
  operator: { words: { th: 'ผู้ให้บริการ', en: 'Operator' } },
  stopCode: { words: { th: 'รหัสป้าย', en: 'Stop code' } },
  stationCode: { words: { th: 'รหัสสถานี', en: 'Station code' } },
  refAccident: { words: { th: 'เลขที่อุบัติเหตุ', en: 'Accident record' } },
  replayOf: { words: { th: 'เวลาจริงของข้อมูล', en: 'True time of the record' } },
  roadDescription: {
    words: { th: 'ลักษณะทาง', en: 'Road layout' },
    codes: {
      'straight road': { th: 'ทางตรง', en: 'straight road' },
      'wide curve': { th: 'ทางโค้งกว้าง', en: 'wide curve' },
      'sharp curve': { th: 'ทางโค้งหักศอก', en: 'sharp curve' },
      'connecting to public/commercial area': { th: 'ทางเชื่อมเข้าพื้นที่สาธารณะหรือพาณิชย์', en: 'access to a public or commercial area' },
      'connecting to private area': { th: 'ทางเชื่อมเข้าพื้นที่ส่วนบุคคล', en: 'access to a private area' },
      'connecting to school area': { th: 'ทางเชื่อมเข้าสถานศึกษา', en: 'access to a school' },
      't-intersection': { th: 'สามแยกรูปตัวที', en: 'T-junction' },
      'y-intersection': { th: 'สามแยกรูปตัววาย', en: 'Y-junction' },
    },
  },
  roadSection: { words: { th: 'ช่วงทางหลวง', en: 'Road section' } },
  slopeDescription: {
    words: { th: 'ความลาดชัน', en: 'Slope' },
    codes: {
      'no slope': { th: 'ไม่มีความลาดชัน', en: 'no slope' },
      'slope area': { th: 'ทางลาดชัน', en: 'slope' },
    },
  },
  vehicleCount: { words: { th: 'จำนวนรถ', en: 'Vehicles' } },
  nextHighTideLevel: { words: { th: 'ระดับน้ำขึ้นสูงสุดครั้งถัดไป', en: 'Next high tide level' }, unit: 'MTR' },
  nextLowTideLevel: { words: { th: 'ระดับน้ำลงต่ำสุดครั้งถัดไป', en: 'Next low tide level' }, unit: 'MTR' },
  tideLevelMsl: { words: { th: 'ระดับน้ำเทียบทะเลปานกลาง', en: 'Level over mean sea' }, unit: 'MTR' },
  uncertaintyM: { words: { th: 'ความคลาดเคลื่อน', en: 'Uncertainty' }, unit: 'MTR' },
  precipitation1h: { words: { th: 'ปริมาณฝน 1 ชั่วโมง', en: 'Rain in 1 hour' }, unit: 'MMT' },
  trip: { words: { th: 'เที่ยวรถ', en: 'Trip' } },
  assignedAt: { words: { th: 'มอบหมายเมื่อ', en: 'Assigned' } },
  enRouteAt: { words: { th: 'ออกเดินทางเมื่อ', en: 'Left' } },
  onSceneAt: { words: { th: 'ถึงที่เกิดเหตุเมื่อ', en: 'Arrived' } },
  clearAt: { words: { th: 'เสร็จภารกิจเมื่อ', en: 'Cleared' } },
  assignedBy: { words: { th: 'ผู้มอบหมาย', en: 'Assigned by' } },
  refAssignment: { words: { th: 'การมอบหมาย', en: 'Assignment' } },
  assignmentStatus: { words: { th: 'สถานะการมอบหมาย', en: 'Assignment state' }, codes: statusWords },
  etaSeconds: { words: { th: 'เวลาเดินทาง', en: 'Travel time' }, unit: 'SEC', shown: 'duration' },
  routeLengthM: { words: { th: 'ระยะทาง', en: 'Distance' }, unit: 'MTR', shown: 'distance' },
  timetable: { hidden: true },
  definition: { hidden: true },
  data: { hidden: true },
  startNode: { hidden: true },
  endNode: { hidden: true },
  labelPoint: { hidden: true },
  osmWay: { hidden: true },
  series: { hidden: true },
  route: { hidden: true },
  reasonChosen: { hidden: true },
  signalStep: { hidden: true },
  entryCount: { hidden: true },
  assignmentCount: { hidden: true },
  exercise: { hidden: true },
  params: { hidden: true },
  refStops: { hidden: true },
  nameDerived: { hidden: true },
  routeColor: { hidden: true },
};

/** The figure that says most of a thing whose type does not name one: in its short line, and beside its sign. */
export const MEASURES = ['speed', 'precipitation24h', 'precipitation', 'tideLevel', 'waterLevel', 'temperature', 'windSpeed', 'value'] as const;
export const FIGURES = ['precipitation', 'precipitation24h', 'tideLevel', 'waterLevel', 'pm25', 'temperature', 'windSpeed', 'value'] as const;
