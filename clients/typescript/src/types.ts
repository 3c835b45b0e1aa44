/** Results and parameters of calls: plain objects with the API's field names. */

export type Channel = "SMS" | "RCS" | "EMAIL" | "WHATSAPP" | "PUSH";
export type SenderStatus = "ACTIVATED" | "DEACTIVATED";
export type RecipientChannel = "PHONE" | "WHATSAPP" | "EMAIL" | "PUSH";
export type OperationStatus = "PROCESSING" | "COMPLETED" | "CANCELED";
export type Outcome = "QUEUED" | "CREATED" | "ALREADY_MEMBER" | "FAILED";

/** Labels of your own: at most 10, keys of 1-128 and values of 1-256 letters, digits and `. _ ~ -`. */
export type Tags = Readonly<Record<string, string>>;
/** A time: a Date, or RFC 3339 text with any offset. */
export type Time = Date | string;

// --- results

/** One address that messages can be sent from. */
export interface Sender {
  readonly id: string;
  readonly displayName: string | null;
  readonly address: string;
  readonly channel: Channel;
  readonly status: SenderStatus;
  readonly tags: Tags;
  readonly updatedAt: Date;
  readonly createdAt: Date;
}

/** A sender with its region, an ISO 3166 country; null without a country. */
export interface InventorySender extends Sender {
  readonly region: string | null;
}

/** A named group of senders. */
export interface SenderPool {
  readonly id: string;
  readonly name: string;
  readonly tags: Tags;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Counts of items: always `total = queued + created + failed`. */
export interface OperationStats {
  readonly total: number;
  readonly queued: number;
  readonly created: number;
  readonly failed: number;
}

/** The operation of one create or one add. COMPLETED and CANCELED are final; a COMPLETED one may have failed items. */
export interface Operation {
  readonly id: string;
  readonly status: OperationStatus;
  readonly stats: OperationStats;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An item of an operation with its outcome; the item for the pool itself has no sender. */
export interface Item {
  readonly index: number;
  readonly senderId: string | null;
  readonly outcome: Outcome;
  /** Null unless the item failed. */
  readonly code: number | null;
  readonly message: string | null;
}

/** A content with a name, and values for its variables. */
export interface Template {
  readonly contentId: string;
  readonly name: string;
  readonly content: Content;
  readonly defaults: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Text and media, or a module for each channel, in Liquid; the members are the API's. */
export interface Content {
  readonly text?: string | undefined;
  readonly media?: readonly { readonly url: string }[] | undefined;
  readonly modules?: readonly Readonly<Record<string, unknown>>[] | undefined;
}

/** Tokens for `pageToken`: `next` for the next page, null on the last; `self` for this page again. */
export interface Pagination {
  readonly next: string | null;
  readonly self: string;
}

export interface Page {
  readonly pagination: Pagination;
}
export interface SenderPage extends Page {
  readonly senders: readonly Sender[];
}
export interface SenderPoolPage extends Page {
  readonly senderPools: readonly SenderPool[];
}
export interface OperationPage extends Page {
  readonly operations: readonly Operation[];
}
export interface ItemPage extends Page {
  readonly items: readonly Item[];
}

/** A sender pool and its name. */
export interface NamedPool {
  readonly id: string;
  readonly name: string;
}

/** The name of a pool, the number of its senders, and their channels, the most first. */
export interface SenderPoolNames {
  readonly id: string;
  readonly name: string;
  readonly senders: number;
  readonly channels: readonly { readonly channel: Channel; readonly count: number }[];
}

/** The name and address of a sender, and at most three of the pools that contain the sender. */
export interface SenderNames {
  readonly id: string;
  readonly displayName: string | null;
  readonly address: string;
  readonly channel: Channel;
  readonly senderPools: readonly NamedPool[];
  readonly moreSenderPools: boolean;
}

/** What an operation does, with how many items, and its pool: null when the pool is deleted. */
export interface OperationNames {
  readonly id: string;
  readonly kind: "CREATE" | "ADD";
  readonly items: number;
  readonly senderPool: NamedPool | null;
}

/** The names of the ids that exist, by kind. */
export interface IdNames {
  readonly senderPools: readonly SenderPoolNames[];
  readonly senders: readonly SenderNames[];
  readonly operations: readonly OperationNames[];
}

/**
 * What to find: the start of a name in any case, the start of an address, a tag as `key:value`, or the end of an id.
 */
export interface SearchNames extends Paging {
  readonly text: string;
}

/** How many things a list has, counted up to 10,000. `more`: there are more. */
export interface Total {
  readonly count: number;
  readonly more: boolean;
}

/** Whether a worker of any process has been seen in the last 30 seconds. */
export interface WorkersState {
  readonly running: boolean;
}

export interface TemplatePage extends Page {
  readonly templates: readonly Template[];
}

/** An operation that was started, and its URL. */
export interface OperationReference {
  readonly operationId: string;
  readonly operationLocation: string;
}

/** A resource that was changed or removed, and its URL. */
export interface ResourceReference {
  readonly resourceId: string;
  readonly resourceLocation: string;
}

/** One way to reach the person; `priority` 0 is the best. */
export interface Resolution {
  readonly from: {
    readonly senderId: string;
    readonly displayName: string | null;
    readonly channel: Channel;
    readonly address: string;
  };
  readonly to: RecipientAddress;
  readonly priority: number;
}

/** At most 10 ways to reach the person, best first. */
export interface Resolutions {
  readonly results: readonly Resolution[];
}

/**
 * The number of rows that created a sender, the number that updated one, and the problems of the others. `warnings` are
 * about rows that were entered: a number that no numbering plan knows.
 */
export interface Entered {
  readonly created: number;
  readonly updated: number;
  readonly refused: readonly Refused[];
  readonly warnings: readonly Refused[];
}

/** The problem or the warning of one row: `context` is its place (`$[3].address`), `line` its first line in NDJSON and CSV. */
export interface Refused {
  readonly context: string;
  readonly code: number;
  readonly message: string;
  readonly line: number | null;
}

// --- parameters

/** The page of a list: `pageSize` is 1-1000 (the server's default is 50); `pageToken` is a token of a page. */
export interface Paging {
  readonly pageToken?: string | undefined;
  readonly pageSize?: number | undefined;
}

/** Created strictly after `startDate` and strictly before `endDate`. */
export interface Created {
  readonly startDate?: Time | undefined;
  readonly endDate?: Time | undefined;
}

export interface ListSenderPools extends Created, Paging {
  /** Only the pool that this operation created. */
  readonly operationId?: string | undefined;
}

export interface CountSenders extends Created {
  readonly channel?: Channel | undefined;
  readonly status?: SenderStatus | undefined;
}

export interface ListSenders extends CountSenders, Paging {}

export interface CountOperations extends Created {
  readonly status?: OperationStatus | undefined;
}

export interface ListOperations extends CountOperations, Paging {}

export interface ListItems extends Paging {
  readonly outcome?: Outcome | undefined;
}

/** A reference to a sender. */
export interface SenderRef {
  readonly senderId: string;
}

/** A new pool. Without a name, its id becomes its name. */
export interface CreateSenderPool {
  readonly name?: string | undefined;
  /** At most 10,000, by id. */
  readonly senders?: readonly (SenderRef | string)[] | undefined;
  readonly tags?: Tags | undefined;
}

/** A new name, new tags that replace all former tags, or both. */
export interface UpdateSenderPool {
  readonly name?: string | undefined;
  readonly tags?: Tags | undefined;
}

export interface SearchSenders extends Paging {
  readonly address: string;
  readonly channel: Channel;
  readonly status?: SenderStatus | undefined;
}

/** An address of the person. */
export interface RecipientAddress {
  readonly address: string;
  readonly channel: RecipientChannel;
}

/** Selects senders: by number or agent, by mailbox, or by push id. */
export type SenderAddress =
  | { readonly address: string; readonly channel: "SMS" | "RCS" | "WHATSAPP" }
  | { readonly address: string; readonly name?: string | undefined }
  | { readonly fcm?: string | undefined; readonly apn?: string | undefined };

/** The person, and the senders to choose from: a pool, or `senderAddresses`, or without either all senders. */
export interface ResolveSenders {
  /** 1-100 addresses of one person. */
  readonly recipientAddresses: readonly RecipientAddress[];
  readonly senderPoolId?: string | undefined;
  readonly senderAddresses?: readonly SenderAddress[] | undefined;
  readonly channels?:
    | {
        /** Only these sender channels. */
        readonly filterIn?: readonly Channel[] | undefined;
        /** A lower number is better; channels that are not listed come last. */
        readonly priority?: readonly { readonly channel: Channel; readonly priority: number }[] | undefined;
      }
    | undefined;
}

/** A template as it is to be. */
export interface PutTemplate {
  readonly name: string;
  readonly content: Content;
  readonly defaults?: Readonly<Record<string, string>> | undefined;
}

/**
 * A row of inventory, identified by channel and address, a short code and an alphanumeric id by `region` too. Absent
 * fields keep their values.
 */
export interface InventoryRow {
  readonly channel: Channel;
  readonly address: string;
  /** Null removes it. */
  readonly displayName?: string | null | undefined;
  readonly status?: SenderStatus | undefined;
  readonly tags?: Tags | undefined;
  /** An ISO 3166 country; required for a short code or an alphanumeric id. */
  readonly region?: string | undefined;
}

/** Changes to a sender: `displayName` null removes it; tags replace all former tags. */
export interface UpdateSender {
  readonly displayName?: string | null | undefined;
  readonly status?: SenderStatus | undefined;
  readonly tags?: Tags | undefined;
}

// --- options

/** Options of one call that override the client's own. */
export interface RequestOptions {
  /** Timeout of the whole call, retries included. */
  readonly timeoutInSeconds?: number | undefined;
  readonly maxRetries?: number | undefined;
  /** Ends the call, which then throws the signal's reason. */
  readonly abortSignal?: AbortSignal | undefined;
}

/** Options of a call that starts an operation. */
export interface StartOptions extends RequestOptions {
  /** 1-255 visible characters that identify this work; by default the client makes a random key for each call. */
  readonly idempotencyKey?: string | undefined;
}

/** Options of a call that changes something. */
export interface ChangeOptions extends RequestOptions {
  /** Changes the resource only if its state is still this one (see `etagOf`); else {@link PreconditionFailed}. */
  readonly ifMatch?: string | undefined;
}

export interface FetchOperationOptions extends RequestOptions {
  /** Seconds, at most 60: the response comes when the operation is final, or after this time. */
  readonly waitInSeconds?: number | undefined;
}

export interface WaitOptions {
  /** Seconds for the whole call; 60 if absent. */
  readonly timeoutInSeconds?: number | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

export interface EnterOptions extends RequestOptions {
  /** The format of text; `application/json` if absent. */
  readonly media?: "application/json" | "application/x-ndjson" | "text/csv" | undefined;
}
