// The shapes of the wire under the app's names. They come from the API's generated types, so that a
// change of the API breaks the build; what differs says why. Times are RFC 3339 in UTC.
import type * as Api from "../api/types.gen";

/** With some fields that may be missing: made here before the hub has answered, or stored earlier. */
type Loose<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
/** With a field's words narrowed to those that the app knows. */
type Narrow<T, N extends { [K in keyof N]: K extends keyof T ? T[K] : never }> = Omit<T, keyof N> & N;

export type State = Api.Conversation["state"];
export type DeliveryState = Api.Delivery["state"];
export type Direction = Api.Event["direction"];
export type ActorKind = Api.Actor["kind"];

export type Actor = Api.Actor;
export type Failure = Api.Failure;
export type Delivery = Api.Delivery;
export type Part = Api.Part;
export type Ref = Api.Ref;
export type ReactionBy = Api.ReactionBy;
export type Message = Api.Message;
export type Moderated = Api.Moderated;
export type Envelope = Api.Envelope;
export type Receipt = Api.Receipt;

/** An event; one that was made here has not been received by anybody yet. */
export type TimelineEvent = Loose<Api.Event, "received">;

export type Window = Api.Window;
export type Leg = Api.Leg;
export type Preview = Api.Preview;

export type Conversation = Api.Conversation;

export type Person = Loose<Api.Person, "createdAt" | "lastAt">;
export type Known = Loose<Api.Known, "firstAt" | "lastAt">;
export type Mark = Api.Mark;

/** Somebody of ours who has the conversation before them. */
export type Here = Narrow<Api.PresentAgent, { state: "viewing" | "typing" | "idle" | "away" }>;

/** Who is here; frames say only what changed of the customer. */
export interface Presence {
  agents: Here[];
  customer?: Partial<Api.Presence["customer"]>;
}

export type Words = Record<string, string>;

/** A rule's `for` is in nanoseconds. */
export type WindowRule = Api.WindowRule;
export type Ways = Api.Ways;
export type Capabilities = Narrow<
  Api.Capabilities,
  { text: Narrow<Api.TextLimit, { unit?: "bytes" | "runes" | "utf16"; rich?: "plain" | "markdown" | "html" }> }
>;

export type Setting = Narrow<
  Api.SettingInfo,
  { kind: "text" | "secret" | "url" | "number" | "bool" | "choice" | "list" | "color" }
>;

/** A kind of channel. `app`: what its app on the far side is told, where it has one. */
export type Channel = Omit<Api.ChannelInfo, "can" | "places" | "settings" | "app" | "connect"> & {
  can: Capabilities;
  /** Of further sorts of thread, by name. */
  places: Record<string, Capabilities>;
  settings: Setting[];
  app: Setting[];
  /** Ways to sign in on the far side; ready: the app's settings it needs are there. */
  connect: { name: string; label: Record<string, string>; ready: boolean }[];
};

/** No state: nobody has looked yet. */
export type Health = Loose<Omit<Api.Health, "state">, "since"> & { state: Api.Health["state"] | "" };

export type Account = Loose<Omit<Api.Account, "health">, "createdAt" | "updatedAt"> & {
  health?: Health;
};

/** An agent; of colleagues no more than the name may be visible. */
export type Agent = Pick<Api.Agent, "id" | "name"> & Partial<Api.Agent>;
export type Team = Loose<Api.Team, "color">;

export type Permission = Api.Me["permissions"][number];

export interface Me extends Omit<Agent, "teams"> {
  teams: string[];
  permissions: Permission[];
  teamList: Team[];
  settings: Api.Settings;
  setup: boolean;
}

export type Draft = Loose<Api.Draft, "updatedAt">;

/** What a search found, the groups of the answer in one list. */
export type Hit = Api.Hit & { kind: Api.FoundGroup["kind"] };
export interface Found {
  hits: Hit[];
  conversations: Record<string, Conversation>;
}

/** Two persons who may be one. */
export type Suggestion = Pick<Api.Suggestion, "id" | "persons"> & Partial<Api.Suggestion>;
