/** The objects of the API, with its field names. */
export const CHANNELS = ["SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH"] as const;
export const RECIPIENT_CHANNELS = ["PHONE", "WHATSAPP", "EMAIL", "PUSH"] as const;
export const STATUSES = ["ACTIVATED", "DEACTIVATED"] as const;
export const OPERATION_STATUSES = ["PROCESSING", "COMPLETED", "CANCELED"] as const;
export const OUTCOMES = ["FAILED", "QUEUED", "CREATED", "ALREADY_MEMBER"] as const;

export type Channel = (typeof CHANNELS)[number];
export type RecipientChannel = (typeof RECIPIENT_CHANNELS)[number];
export type Status = (typeof STATUSES)[number];
export type OperationStatus = (typeof OPERATION_STATUSES)[number];
export type Outcome = (typeof OUTCOMES)[number];
export type Tags = Readonly<Record<string, string>>;

export interface Pagination {
  next: string | null;
  self: string;
}

export interface Sender {
  id: string;
  displayName: string | null;
  address: string;
  channel: Channel;
  status: Status;
  tags: Tags;
  updatedAt: string;
  createdAt: string;
}

/** A sender as the inventory has it. */
export interface InventorySender extends Sender {
  region: string | null;
}

export interface SenderPool {
  id: string;
  name: string;
  tags: Tags;
  createdAt: string;
  updatedAt: string;
}

export interface Stats {
  total: number;
  queued: number;
  created: number;
  failed: number;
}

export interface Operation {
  id: string;
  status: OperationStatus;
  stats: Stats;
  createdAt: string;
  updatedAt: string;
}

export interface Item {
  index: number;
  senderId: string | null;
  outcome: Outcome;
  code: number | null;
  message: string | null;
}

export interface OperationReference {
  operationId: string;
  operationLocation: string;
}

export interface Refused {
  context: string;
  code: number;
  message: string;
  line: number | null;
}

export interface Entered {
  created: number;
  updated: number;
  refused: Refused[];
  warnings: Refused[];
}

export interface Resolution {
  from: { senderId: string; displayName: string | null; channel: Channel; address: string };
  to: { address: string; channel: RecipientChannel };
  priority: number;
}

export interface Minute {
  at: string;
  created: number;
  failed: number;
}

export interface NamedPool {
  id: string;
  name: string;
}

export interface SenderPoolNames extends NamedPool {
  senders: number;
  channels: { channel: Channel; count: number }[];
}

export interface SenderNames {
  id: string;
  displayName: string | null;
  address: string;
  channel: Channel;
  senderPools: NamedPool[];
  moreSenderPools: boolean;
}

export interface OperationNames {
  id: string;
  kind: "CREATE" | "ADD";
  items: number;
  senderPool: NamedPool | null;
}

export interface Names {
  senderPools: SenderPoolNames[];
  senders: SenderNames[];
  operations: OperationNames[];
}

/** How many things a list has, counted up to 10,000. */
export interface Total {
  count: number;
  more: boolean;
}

export interface Overview {
  at: string;
  senders: { total: number; counts: { channel: Channel; status: Status; count: number }[] };
  senderPools: { count: number; more: boolean };
  inFlight: { count: number; more: boolean; queued: number; operations: Operation[] };
  throughput: { complete: boolean; minutes: Minute[] };
  failures: { operation: Operation; items: Item[] }[];
}

export interface Composition {
  counted: number;
  complete: boolean;
  channels: { channel: Channel; count: number }[];
  countries: { country: string | null; count: number }[];
}

export interface LoggedRequest {
  requestId: string;
  at: string;
  method: string;
  path: string;
  query: string;
  route: string;
  status: number;
  ms: number;
  problems: { context: string | null; message: string }[];
  moreProblems: number;
  warnings: string[];
}

export interface Header {
  name: string;
  value: string;
}

export interface KeptBody {
  text: string | null;
  /** In base64, when the bytes are not UTF-8. */
  binary: string | null;
  bytes: number;
  complete: boolean;
  removed: boolean;
}

/** A request of the log with its headers and bodies, as far as the server kept them. */
export interface InspectedRequest extends LoggedRequest {
  error: { code: number; meaning: string; infoUrl: string } | null;
  kept: "YES" | "OFF" | "DROPPED";
  request: { target: string; headers: Header[]; body: KeptBody | null; readMs: number | null } | null;
  response: { headers: Header[]; body: KeptBody | null; startedMs: number | null } | null;
}

export const MESSAGE_STATUSES = [
  "SCHEDULED",
  "QUEUED",
  "SENT",
  "DELIVERED",
  "READ",
  "UNDELIVERED",
  "FAILED",
  "CANCELED",
  "INBOUND",
] as const;
export const MESSAGE_CHANNELS = ["SMS", "RCS", "WHATSAPP"] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export interface MessageAddress {
  address: string;
  channel: string;
}

export interface Message {
  id: string;
  from: { address?: string; channel?: string; senderId?: string; senderPoolId?: string } | null;
  to: MessageAddress[];
  status: MessageStatus;
  related: { name: "OPERATION" | "RETRY_OF"; id: string; uri: string }[];
  tags: Tags;
  scheduledFor: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface Attempt {
  id: string;
  from: MessageAddress & { senderId: string };
  to: MessageAddress[];
  status: MessageStatus;
  attemptedAt: string;
  updatedAt: string;
  error: { code: number; message: string; infoUrl: string } | null;
}

export interface FetchedMessage extends Message {
  attempts: Attempt[];
  content: unknown;
}

export interface Receipt {
  to: MessageAddress;
  status: MessageStatus;
  code: number | null;
  connector: string;
  createdAt: string;
}

export interface Candidate {
  senderId: string;
  address: string;
  channel: string;
  rank: number;
  steps: { country: boolean; area: boolean; kept: boolean; weight: number };
}

/** Which sender, and why: the response of Explain has one for each recipient, without the id of a message. */
export interface Decision {
  senderPoolId: string | null;
  recipient: MessageAddress;
  chosen: string | null;
  candidates: Candidate[];
  removed: { senderId: string; reason: string }[];
  removedCounts: { reason: string; count: number }[];
  at: string;
}
