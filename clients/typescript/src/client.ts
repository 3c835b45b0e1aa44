/** The client: the server's URL, the credentials, and the resources. */

import { MissingCredentials } from "./errors.js";
import { Http } from "./http.js";
import { Inbox } from "./inbox.js";
import { Inventory } from "./inventory.js";
import { Ledger } from "./ledger.js";
import { Messages } from "./messages.js";
import { Names } from "./names.js";
import { OptOuts, Recipients } from "./opt-outs.js";
import { SenderPools } from "./sender-pools.js";
import { Senders } from "./senders.js";
import { Templates } from "./templates.js";
import { Totals, Workers } from "./totals.js";

/** How the client of either class behaves. */
export interface BehaviorOptions {
  /** Timeout of a whole call, retries included; 30 if absent. */
  readonly timeoutInSeconds?: number | undefined;
  /** The most retries of a call; 3 if absent. */
  readonly maxRetries?: number | undefined;
  /** Replaces the runtime's own `fetch`, for example to use a proxy. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Options that are absent are read from the environment, where the runtime has one: Node, Bun, Deno. White space around
 * URL and credentials is ignored: a line break at the end of a file often becomes part of a variable.
 */
export interface SignalboxOptions extends BehaviorOptions {
  /** The server's URL, without `/v1`; else `SIGNALBOX_URL`, else `http://127.0.0.1:8080`. */
  readonly url?: string | undefined;
  /** SID of an account, `AC...`, or of an API key, `SK...`; else `SIGNALBOX_ACCOUNT_SID`. */
  readonly accountSid?: string | undefined;
  /** The account's auth token, or the key's secret; else `SIGNALBOX_AUTH_TOKEN`. */
  readonly authToken?: string | undefined;
}

/** The same options under the names of the vendor's SDK, and `baseUrl`. */
export interface TwilioClientOptions extends BehaviorOptions {
  /** As `accountSid` of {@link SignalboxOptions}. */
  readonly accountId?: string | undefined;
  readonly authToken?: string | undefined;
  /** As `url` of {@link SignalboxOptions}. */
  readonly baseUrl?: string | undefined;
}

/** The names of {@link SignalboxOptions}. The compiler checks that none is missing or too many. */
const OPTIONS: Readonly<Record<keyof SignalboxOptions, true>> = {
  url: true,
  accountSid: true,
  authToken: true,
  timeoutInSeconds: true,
  maxRetries: true,
  fetch: true,
};

/** Senders, sender pools and their operations on a Signalbox server. */
export class Signalbox {
  readonly senderPools: SenderPools;
  readonly senders: Senders;
  readonly inventory: Inventory;
  readonly ledger: Ledger;
  readonly messages: Messages;
  readonly inbox: Inbox;
  readonly optOuts: OptOuts;
  readonly recipients: Recipients;
  readonly templates: Templates;
  readonly names: Names;
  readonly totals: Totals;
  readonly workers: Workers;

  /** Throws {@link MissingCredentials}, and TypeError for an option that does not exist or is not valid. */
  constructor(options: SignalboxOptions = {}) {
    const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
    // Without this error, a program in JavaScript with `baseUrl` would call the default URL.
    if (unknown !== undefined) throw new TypeError(`no option ${unknown}: ${Object.keys(OPTIONS).join(", ")}`);
    const environment = (globalThis as Partial<Process>).process?.env ?? {};
    const http = new Http({
      ...credentials(options, environment),
      url: checked(options.url || environment["SIGNALBOX_URL"]?.trim() || "http://127.0.0.1:8080"),
      timeoutInSeconds: options.timeoutInSeconds ?? 30,
      maxRetries: options.maxRetries ?? 3,
      fetch: options.fetch ?? fetch,
    });
    this.senderPools = new SenderPools(http);
    this.senders = new Senders(http);
    this.inventory = new Inventory(http);
    this.ledger = new Ledger(http);
    this.messages = new Messages(http);
    this.inbox = new Inbox(http);
    this.optOuts = new OptOuts(http);
    this.recipients = new Recipients(http);
    this.templates = new Templates(http);
    this.names = new Names(http);
    this.totals = new Totals(http);
    this.workers = new Workers(http);
  }
}

/** The class under the vendor's name, for code that was written for the vendor's SDK. Other options are ignored. */
export class TwilioClient extends Signalbox {
  constructor(options: TwilioClientOptions = {}) {
    const { accountId: accountSid, authToken, baseUrl: url, timeoutInSeconds, maxRetries, fetch } = options;
    super({ url, accountSid, authToken, timeoutInSeconds, maxRetries, fetch });
  }
}

type Environment = Readonly<Record<string, string | undefined>>;
interface Process {
  readonly process: { readonly env?: Environment };
}

/** The user and secret of the requests. Options win over the environment. */
function credentials(options: SignalboxOptions, environment: Environment): { user: string; secret: string } {
  const user = (options.accountSid || environment["SIGNALBOX_ACCOUNT_SID"])?.trim();
  const secret = (options.authToken || environment["SIGNALBOX_AUTH_TOKEN"])?.trim();
  if (user && secret) return { user, secret };
  throw new MissingCredentials(
    "no credentials: give accountSid (TwilioClient: accountId) and authToken, or set the environment variables " +
      "SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN",
  );
}

/** The URL without a slash at its end. No message repeats it, because it may contain a secret. */
function checked(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError("url (TwilioClient: baseUrl) must be http(s)://host[:port][/path]");
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}
