// Written by `go run ./web/api/typescript`; do not edit.

export interface Account {
  /** Where the far side's callbacks for it come in, where it has an address of its own. */
  callback?: string
  channel: string
  createdAt: string
  enabled: boolean
  /** The far side's name for it. */
  handle?: string
  health: Health
  id: string
  /** When something came in last. */
  lastIn?: string
  /** When the far side tested its callbacks last. */
  lastTest?: string
  name: string
  /** Where its conversations begin. */
  queue?: string
  /** Which secrets are set. */
  secrets: Record<string, boolean>
  /** Without secrets. */
  settings: Record<string, string>
  /** HTML to paste on one's own pages, where the channel has such a thing. */
  snippet?: string
  /** We may write first by it. */
  starts?: boolean
  updatedAt: string
}

export interface AccountChange {
  enabled?: boolean
  handle?: string
  name?: string
  queue?: string
  settings?: Record<string, string>
}

export interface AccountDraft {
  channel: string
  disabled?: boolean
  handle?: string
  /** Empty: the hub makes one. */
  id?: string
  name: string
  queue?: string
  /** By the names GET /api/channels lists, secrets too. */
  settings?: Record<string, string>
}

export interface AccountList {
  accounts: Account[]
}

export interface Actor {
  id?: string
  kind: 'customer' | 'agent' | 'assistant' | 'rule' | 'system' | 'external'
  name?: string
}

export interface Address {
  address: string
  name?: string
}

export interface Agent {
  /** Of the avatar. */
  color: string
  createdAt: string
  disabled?: string
  email: string
  id: string
  initials: string
  /** Never signed in. */
  invited: boolean
  name: string
  roles: string[]
  /** Empty: the roles'. */
  scope?: 'all' | 'team' | 'own'
  signedIn?: string
  teams: string[]
  totp: boolean
}

export interface AgentChange {
  color?: string
  /** true ends all sign-ins at once. */
  disabled?: boolean
  email?: string
  name?: string
  /** Takes the second factor away, for somebody who lost their device. */
  resetTotp?: boolean
  roles?: string[]
  scope?: '' | 'all' | 'team' | 'own'
  teams?: string[]
}

export interface AgentInput {
  email: string
  name: string
  /** Absent: agent. */
  roles?: string[]
  scope?: '' | 'all' | 'team' | 'own'
  teams?: string[]
}

export interface AgentList {
  agents: Agent[]
  /** The roles there are. */
  roles: Role[]
}

export interface AppInput {
  settings: Record<string, string>
}

export interface AppSettings {
  /** Where the far side's callbacks for all of them come in. */
  callback?: string
  /** Which secrets are set. */
  secrets: Record<string, boolean>
  /** Without secrets. */
  settings: Record<string, string>
}

export interface Assignment {
  agent?: string
  agentName?: string
  team?: string
  teamName?: string
  was?: string
}

export interface AttributeDef {
  /** Of kind choice. */
  choices?: string[]
  help?: string
  kind: 'text' | 'number' | 'date' | 'choice' | 'bool' | 'url'
  name: string
  /** Smaller ones are shown first. */
  position?: number
  title?: string
}

export interface AttributeList {
  attributes: AttributeDef[]
}

export interface AuditList {
  /** Send it as before for the next page. */
  next?: number
  records: AuditRecord[]
}

export interface AuditRecord {
  /** Such as session.begin or agent.update. */
  action: string
  /** Agent's id; empty: nobody was signed in. */
  actor?: string
  address?: string
  at: string
  data?: Record<string, string>
  hash: string
  id: string
  /** The actor's, as it was then. */
  name?: string
  prev: string
  seq: number
  target?: string
}

export interface Bulk {
  at: string
  change: ChangeInput
  /** Of those, asked to change; undoing: restored. */
  changed: number
  /** total is known: until then it grows. */
  counted: boolean
  /** Conversations gone through. */
  done: number
  ended?: string
  id: string
  /** There were more than are done at once: do it again for the rest. */
  limited?: boolean
  read?: boolean
  /** Of those, left alone: they were so already, or may not be changed; undoing: somebody changed them since. */
  skipped: number
  state: 'running' | 'done' | 'stopped' | 'undoing' | 'undone'
  total: number
  /** It can be undone. */
  undo: boolean
}

export interface BulkInput {
  /** As for one conversation; ifAssignee leaves out those it does not hold for. */
  change?: ChangeInput
  /** Not these. */
  except?: string[]
  /** In place of a view. */
  filter?: Filter
  /** In place of both. */
  ids?: string[]
  /** Mark all as read by me. */
  read?: boolean
  /** A view's id; everything that it lists at this moment. */
  view?: string
}

export interface BulkList {
  bulks: Bulk[]
}

export interface Button {
  kind: string
  title: string
  value?: string
}

export interface ButtonLimit {
  max: number
  title: number
}

export interface Capabilities {
  buttons?: ButtonLimit
  disclose?: boolean
  edits?: Ways
  envelope?: boolean
  idempotent?: boolean
  label?: Record<string, string>
  maxParts?: number
  media?: Record<string, MediaLimit>
  moderation?: string[]
  partsAlone?: boolean
  public?: boolean
  rates?: RateRule[]
  reactions?: Ways
  receipts?: ('queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled')[]
  replyTo?: boolean
  starts?: boolean
  subject?: boolean
  text: TextLimit
  typing?: Ways
  unsends?: Ways
  windows?: WindowRule[]
}

export interface ChangeInput {
  addLabels?: string[]
  /** An agent's id, me, or empty for nobody. */
  assignee?: string
  /** Refuse with 409 unless it is assigned to this agent now; empty: to nobody. To claim safely. */
  ifAssignee?: string
  /** 0 none, 1 low, 2 normal, 3 high, 4 urgent. */
  priority?: number
  removeLabels?: string[]
  /** With state snoozed; without it, until the person writes. */
  snoozeUntil?: string
  state?: 'open' | 'snoozed' | 'resolved'
  subject?: string
  /** A team's id, or empty for none. */
  team?: string
}

export interface Changing {
  events: string[]
}

export interface ChannelInfo {
  /** Settings that its accounts share. */
  app?: SettingInfo[]
  /** Where the far side's callbacks for all of its accounts come in. */
  callback?: string
  can: Capabilities
  /** Ways to make accounts by signing in on the far side. */
  connect?: ConnectInfo[]
  hue: number
  icon: string
  kind: string
  /** Of further sorts of thread, by a leg's place; the usual one's are can. */
  places?: Record<string, Capabilities>
  settings: SettingInfo[]
  /** By language. */
  title: Record<string, string>
}

export interface ChannelList {
  channels: ChannelInfo[]
}

export interface Check {
  detail?: string
  name: string
  result: string
}

export interface CodeInput {
  code: string
}

export interface ConnectAddress {
  /** The far side's page on which the person lets the hub in. */
  url: string
}

export interface ConnectInfo {
  /** Of the button, by language. */
  label: Record<string, string>
  name: string
  /** Whether the settings that the accounts share have what it needs. */
  ready: boolean
}

export interface Control {
  data?: Record<string, string>
  name: string
}

export interface Conversation {
  assignee: string
  attached?: boolean
  avatar?: string
  createdAt: string
  id: string
  inCount: number
  labels?: string[]
  last?: Preview
  lastAt: string
  lastInSeq: number
  lastOutSeq: number
  legs: Leg[]
  name: string
  nextDeadline?: string
  number: number
  opening?: string
  person: string
  priority?: number
  queue: string
  resolvedAt?: string
  seq: number
  snoozeUntil?: string
  state: 'open' | 'snoozed' | 'resolved'
  subject?: string
  team: string
  undelivered?: number
  waitingSince?: string
}

export interface ConversationList {
  conversations: Conversation[]
  /** Send it as after for the next page; absent on the last. A page may be short, even empty, and yet have a next one: where few conversations fit the filter, each page looks at so many. */
  next?: string
  /** My reading marks; unread = inCount of the conversation less that of the mark. */
  reads: Record<string, Mark>
}

export interface Dead {
  at: string
  attempts: number
  failed: string
  group: string
  id: string
  key: string
  offset: number
  partition: number
  reason: string
  topic: string
  value: unknown
}

export interface DeadList {
  letters: Dead[]
  next?: string
}

export interface Delivery {
  at: string
  attempt: number
  failure?: Failure
  remotes?: string[]
  state: 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled'
}

export interface DisableInput {
  code: string
  password: string
}

export interface Draft {
  leg?: string
  text: string
  updatedAt: string
  version: number
}

export interface DraftInput {
  leg?: string
  text: string
  /** Greater than that of the draft before. */
  version: number
}

export interface Edit {
  html?: string
  of: Ref
  rev: number
  text: string
}

export interface EditState {
  at: string
  rev: number
}

export interface Effect {
  field: 'state' | 'snoozeUntil' | 'assignee' | 'team' | 'addLabels' | 'removeLabels' | 'priority' | 'subject'
  from: string
  to: string
}

export interface EnrolInput {
  password: string
}

export interface Enrolment {
  secret: string
  /** otpauth://, to be shown as a QR code. */
  url: string
}

export interface Envelope {
  bcc?: Address[]
  cc?: Address[]
  from?: Address
  replyTo?: Address[]
  to?: Address[]
}

export interface EraseInput {
  /** The person's name, or the number of one of their conversations. */
  confirm: string
}

export interface Event {
  actor: Actor
  assignment?: Assignment
  at: string
  client?: string
  control?: Control
  conversation?: string
  depth?: number
  direction: 'in' | 'out' | 'internal'
  edit?: Edit
  id: string
  kind: 'message' | 'note' | 'edit' | 'unsend' | 'reaction' | 'receipt' | 'postback' | 'referral' | 'status' | 'assignment' | 'labels' | 'subject' | 'control' | 'moderation' | 'media' | 'merge' | 'unknown'
  labels?: Labels
  late?: boolean
  leg?: string
  media?: Media
  merge?: Merge
  message?: Message
  moderation?: Moderation
  postback?: Postback
  reaction?: Reaction
  receipt?: Receipt
  received: string
  referral?: Referral
  remote?: string
  seq?: number
  status?: Status
  subject?: Subject
  thread?: Thread
  unknown?: Unknown
  unsend?: Unsend
}

export interface EventList {
  /** Oldest first. */
  events: Event[]
  /** There are more in the direction asked for. */
  more: boolean
}

export interface Evidence {
  event?: string
  how: string
  kind: string
  value?: string
}

export interface Failure {
  advice?: string
  class: string
  code?: string
  retry?: string
  said?: string
}

export interface FieldProblem {
  /** Path of the field; query parameters and headers by name. */
  field: string
  message: string
}

export interface FillInput {
  conversation: string
  /** Empty, or one it does not have: the person's, English, or the first. */
  language?: string
  /** It is put to use now: count it. */
  use?: boolean
}

export interface FilledReply {
  /** What to send to the conversation: only what is not so already. */
  change?: ChangeInput
  /** Where to go on writing, in UTF-16 code units of text; -1: at the end. */
  cursor: number
  /** The same for people. */
  effects: Effect[]
  html?: string
  language: string
  /** Variables that have no value here: look before sending. */
  missing: string[]
  note: boolean
  parts: Part[]
  text: string
}

export interface Filter {
  /** All of these hold. */
  and?: Filter[]
  /** What is looked at; the other members say what it must be. */
  field?: string
  /** Not before. */
  from?: string
  /** One of these. me: the reader; mine: the reader's teams; empty: nobody, none. */
  in?: string[]
  /** Of unread, attachment and failed. */
  is?: boolean
  /** Of attribute: which. */
  name?: string
  /** This does not hold. */
  not?: Filter
  /** One of these holds. */
  or?: Filter[]
  /** Longer than this, such as 30m, 4h or 2d. */
  over?: string
  /** Of subject: what it holds. */
  text?: string
  /** Before. */
  until?: string
  /** Of deadline: it comes within this. */
  within?: string
}

export interface Found {
  /** Those of the finds, for drawing rows. */
  conversations: Record<string, Conversation>
  groups: FoundGroup[]
}

export interface FoundGroup {
  hits: Hit[]
  kind: 'conversation' | 'person' | 'message'
  /** Send it as after, with the same kind and filters, for the next page; absent on the last. */
  next?: string
}

export interface Health {
  next?: string
  reason?: string
  since: string
  state: 'green' | 'amber' | 'red'
}

export interface Hit {
  account?: string
  at: string
  attachment?: boolean
  channel?: string
  conversation?: string
  direction?: 'in' | 'out' | 'internal'
  /** Where the words are; the first field where they are in none that is shown. */
  fields: HitField[]
  /** Of the event, conversation or person. */
  id: string
  person?: string
  /** Of a message, for opening its conversation there. */
  seq?: number
}

export interface HitField {
  name: string
  /** What to highlight: from and before, in UTF-16 code units. */
  ranges: number[][]
  /** Plain text, all of it or a stretch around the first find. */
  text: string
}

export interface Holiday {
  date: string
  name?: string
  /** Open at these hours; none: closed all day. */
  spans?: Span[]
}

export interface Hours {
  holidays?: Holiday[]
  /** From Sunday on. */
  week: Span[][]
  /** Of the IANA database. */
  zone: string
}

export interface HoursInput {
  hours: Hours
  name: string
}

export interface HoursList {
  hours: HoursView[]
}

export interface HoursView {
  hours: Hours
  id: string
  name: string
  /** When it opens next; now, if it is open. */
  next?: string
  /** At this moment. */
  open: boolean
}

export interface HubStatus {
  /** What the hub depends on: ok, or the reason why not. */
  checks: Record<string, string>
  /** store, bus and search: embedded, or what they run on. */
  engines: Record<string, string>
  /** Records that wait, by consumer. */
  lag: Record<string, number>
  node: string
  ready: boolean
  /** RFC 3339. */
  started?: string
  version: string
}

export interface Identity {
  account?: string
  display?: string
  proof?: string
  scheme: string
  value: string
}

export interface IdentityInput {
  /** For schemes that mean something to one account only. */
  account?: string
  /** email, tel, or one of an account's, such as igsid. */
  scheme: string
  value: string
}

export interface Invited {
  agent: Agent
  /** For POST /api/session/once; shown once. */
  secret: string
  until: string
}

export interface Known {
  firstAt: string
  id: string
  identity: Identity
  lastAt: string
  person: string
}

export interface Label {
  color: string
  description?: string
  id: string
  name: string
}

export interface LabelChanged {
  bulk?: Bulk
  label: Label
}

export interface LabelInput {
  color?: string
  description?: string
  name: string
}

export interface LabelList {
  labels: Label[]
}

export interface LabelMerge {
  /** The label's id. */
  into: string
}

export interface Labels {
  add?: string[]
  priority?: number
  remove?: string[]
}

export interface Leg {
  about?: string
  channel: string
  closed?: string
  display?: string
  id: string
  identity: string
  lastIn?: string
  opened?: Record<string, Window>
  peer: string
  place?: string
  readSeq?: number
  seen?: string
  thread: Thread
}

export interface Mark {
  /** Messages from the person that were read. */
  inCount: number
  seq: number
}

export interface MarkInput {
  /** Everything up to here was read. */
  seq: number
  /** Allows moving the mark back; otherwise it only moves forward. */
  unread?: boolean
}

export interface Me {
  agent: Agent
  permissions: ('conversation.read' | 'conversation.reply' | 'conversation.note' | 'conversation.assign' | 'conversation.manage' | 'person.read' | 'person.write' | 'person.merge' | 'person.export' | 'person.erase' | 'account.read' | 'account.manage' | 'agent.read' | 'agent.manage' | 'team.manage' | 'dead.manage' | 'audit.read' | 'status.read' | 'view.share' | 'reply.share' | 'catalogue.manage' | 'webhook.manage')[]
  /** Which conversations are visible: all, team or own. */
  scope: 'all' | 'team' | 'own'
  settings: Settings
  /** There is no password yet. */
  setup: boolean
  /** The agent's teams. */
  teams: Team[]
  /** A second factor is set. */
  totp: boolean
}

export interface Media {
  of: Ref
  parts: MediaPart[]
}

export interface MediaLimit {
  maxBytes: number
  maxCount?: number
  mime?: string[]
}

export interface MediaPart {
  n: number
  part: Part
}

export interface Members {
  agents: string[]
}

export interface Merge {
  back?: boolean
  from: string
  id: string
  into: string
  legs?: Leg[]
  name?: string
  undone?: boolean
}

export interface MergeInput {
  /** Becomes part of the person in the path. */
  from: string
}

export interface Merged {
  id: string
}

export interface Message {
  automated?: boolean
  buttons?: Button[]
  checks?: Check[]
  delivery?: Delivery
  edited?: EditState
  envelope?: Envelope
  html?: string
  mentions?: string[]
  moderated?: Moderated
  parts?: Part[]
  quoted?: string
  reactions?: ReactionBy[]
  replyTo?: Ref
  sendAt?: string
  subject?: string
  text?: string
  unsent?: string
}

export interface ModerateInput {
  action: 'hide' | 'unhide' | 'delete'
  /** A ULID made by the client. */
  id: string
  /** The message's event. */
  of: string
}

export interface Moderated {
  action: string
  asked: string
  at: string
  by: Actor
  earlier?: PastModeration[]
  failure?: Failure
  state: string
}

export interface Moderation {
  action: string
  asked?: string
  failure?: Failure
  of: Ref
  state: string
}

export interface Number {
  /** There are more than total says: show it as 99+. */
  more?: boolean
  /** Of the open ones: the deadline has passed. */
  overdue: number
  total: number
  /** Of the open ones: the assignee has not read all; of unassigned ones: nobody has. */
  unread: number
  /** Of the open ones: the person waits for an answer. */
  waiting: number
}

export interface OIDCMethod {
  /** Where to send the browser, with back as the page to land on. */
  begin: string
  /** The provider's, for the button. */
  name: string
  /** Where to send the browser after DELETE /api/session, to sign out there as well; absent: nowhere. */
  signOut?: string
}

export interface OnceInput {
  secret: string
}

export interface Opened {
  conversation: Conversation
  draft?: Draft
  /** The last ones, oldest first. */
  events: Event[]
  identities: Known[]
  /** There are events before these. */
  more: boolean
  person?: Person
  presence: Presence
  read: Mark
}

export interface Part {
  data?: Record<string, string>
  expires?: string
  file?: string
  height?: number
  inline?: string
  kind: string
  mime?: string
  missing?: string
  name?: string
  remote?: string
  retention?: string
  size?: number
  url?: string
  width?: number
}

export interface PartInput {
  file: string
}

export interface PasswordInput {
  password: string
  /** The present password; not needed where there is none. */
  present?: string
}

export interface PastModeration {
  action: string
  asked: string
  at: string
  by: Actor
  failure?: Failure
  state: string
}

export interface Person {
  attributes?: Record<string, string>
  createdAt: string
  erased?: string
  id: string
  lastAt: string
  mergedInto?: string
  name: string
  named?: boolean
  note?: string
  profile?: Profile
}

export interface PersonConversations {
  conversations: Conversation[]
  next?: string
}

export interface PersonInput {
  /** Sets attributes by name; null removes one. */
  attributes?: Record<string, string | null>
  name?: string
  note?: string
}

export interface PersonView {
  identities: Known[]
  person: Person
}

export interface Postback {
  of?: Ref
  payload?: string
  title: string
}

export interface Presence {
  agents: PresentAgent[]
  customer: PresentCustomer
}

export interface PresentAgent {
  id: string
  name: string
  /** viewing, typing, idle or away. */
  state: string
}

export interface PresentCustomer {
  leg?: string
  online: boolean
  typing: boolean
}

export interface Preview {
  actor: Actor
  at: string
  delivery?: 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled'
  direction: 'in' | 'out' | 'internal'
  event: string
  leg?: string
  part?: string
  seq: number
  text: string
}

export interface Problem {
  /** What to do. */
  detail?: string
  /** draft-older: the draft as it is kept. */
  draft?: Draft
  /** What is wrong with single fields. */
  errors?: FieldProblem[]
  /** answered-meanwhile: the messages that were sent after baseSeq. */
  events?: Event[]
  /** identity-taken: whose it is. */
  person?: string
  /** Seconds to wait before trying again. */
  retryAfter?: number
  /** The HTTP status. */
  status: number
  /** The problem in one line; the same for every problem of the type. */
  title: string
  /** What sort of problem; the address explains it. */
  type: string
}

export interface Profile {
  avatar?: string
  extra?: Record<string, string>
  locale?: string
  name?: string
  timeZone?: string
  username?: string
}

export interface RateRule {
  n: number
  name: string
  per: number
  scope: string
}

export interface Reaction {
  emoji?: string
  of: Ref
  removed?: boolean
}

export interface ReactionBy {
  at: string
  by: Actor
  emoji: string
}

export interface Receipt {
  attempt?: number
  failure?: Failure
  of?: Ref
  remotes?: string[]
  state: 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled'
  upTo?: string
}

export interface Recovery {
  codes: string[]
}

export interface Ref {
  client?: string
  event?: string
  kind?: string
  remote?: string
  url?: string
}

export interface Referral {
  ref?: string
  source?: string
  title?: string
  url?: string
}

export interface Reply {
  /** What a macro does to the conversation beside. */
  change?: ChangeInput
  /** Folders are parted by slashes. */
  folder?: string
  id: string
  lastUsed?: string
  /** I may change it. */
  mine: boolean
  /** For colleagues only. */
  note?: boolean
  owner: string
  parts?: PartInput[]
  /** Empty: own. Others need reply.share. */
  share?: '' | 'own' | 'team' | 'all'
  /** What is typed after the slash: letters, digits, - and _. */
  shortcut?: string
  /** With change.state snoozed: for how long from when it is used, such as 2d. Empty: until the person writes. */
  snooze?: string
  /** With share team. */
  team?: string
  /** By language, such as en or zh-CN. */
  texts?: Record<string, ReplyContent>
  title: string
  updatedAt: string
  uses: number
}

export interface ReplyContent {
  html?: string
  /** With variables such as {{person.firstName|there}}. */
  text: string
}

export interface ReplyInput {
  /** What a macro does to the conversation beside. */
  change?: ChangeInput
  /** Folders are parted by slashes. */
  folder?: string
  /** For colleagues only. */
  note?: boolean
  parts?: PartInput[]
  /** Empty: own. Others need reply.share. */
  share?: '' | 'own' | 'team' | 'all'
  /** What is typed after the slash: letters, digits, - and _. */
  shortcut?: string
  /** With change.state snoozed: for how long from when it is used, such as 2d. Empty: until the person writes. */
  snooze?: string
  /** With share team. */
  team?: string
  /** By language, such as en or zh-CN. */
  texts?: Record<string, ReplyContent>
  title: string
}

export interface ReplyList {
  replies: Reply[]
  /** What texts may hold, beside person.attributes.NAME and cursor. */
  variables: string[]
}

export interface RescheduleInput {
  /** A ULID made by the client, of the message in its place. */
  id: string
  /** Absent: now. */
  sendAt?: string
  /** Absent: as it was. A new text has no markup. */
  text?: string
}

export interface Role {
  name: string
  permissions: ('conversation.read' | 'conversation.reply' | 'conversation.note' | 'conversation.assign' | 'conversation.manage' | 'person.read' | 'person.write' | 'person.merge' | 'person.export' | 'person.erase' | 'account.read' | 'account.manage' | 'agent.read' | 'agent.manage' | 'team.manage' | 'dead.manage' | 'audit.read' | 'status.read' | 'view.share' | 'reply.share' | 'catalogue.manage' | 'webhook.manage')[]
  scope: 'all' | 'team' | 'own'
  title: string
}

export interface Scheduled {
  conversation: Conversation
  event: Event
  sendAt: string
}

export interface ScheduledList {
  scheduled: Scheduled[]
}

export interface SendInput {
  /** Refuse with 409 if somebody else of us answered after it; 0: no guard. */
  baseSeq?: number
  /** Whom it is for, where messages name their recipients; absent: who took part so far. The account decides from. */
  envelope?: Envelope
  /** The same with markup, where the channel takes it; it is made harmless. */
  html?: string
  /** A ULID made by the client: the same id twice is one message. */
  id: string
  /** Empty: the leg the person wrote on last. */
  leg?: string
  /** Of a note. */
  mentions?: string[]
  /** For colleagues only. */
  note?: boolean
  parts?: PartInput[]
  replyTo?: Ref
  /** Not before; at most a year ahead. */
  sendAt?: string
  /** Where the channel has subjects. */
  subject?: string
  text?: string
  /** Seconds in which it can be undone; absent: my setting. */
  undo?: number
}

export interface SessionInfo {
  address: string
  createdAt: string
  /** The one this request was made with. */
  current: boolean
  expiresAt: string
  id: string
  lastAt: string
  program: string
}

export interface SessionList {
  sessions: SessionInfo[]
}

export interface SettingInfo {
  /** Most accounts leave it alone. */
  advanced?: boolean
  choices?: string[]
  default?: string
  help?: Record<string, string>
  /** text, secret, url, number, bool, choice, list or color. */
  kind: string
  label: Record<string, string>
  name: string
  optional?: boolean
}

export interface Settings {
  /** BCP 47; empty: the browser's. */
  locale: string
  /** Empty: the system's. */
  theme: '' | 'light' | 'dark'
  /** Seconds in which a message can be undone. */
  undo: number
}

export interface SettingsInput {
  color?: string
  email?: string
  locale?: string
  name?: string
  theme?: '' | 'light' | 'dark'
  undo?: number
}

export interface SignInInput {
  /** Of the authenticator app, or a recovery code; only where a second factor is set. */
  code?: string
  email: string
  password: string
}

export interface SignInMethods {
  /** Absent: there is none. */
  oidc?: OIDCMethod
  /** POST /api/session */
  password: boolean
}

export interface SignedIn {
  agent: string
  /** Send it as X-Parley-CSRF with every write; also in the cookie parley_csrf. */
  csrf: string
  /** The agent has no password yet: PUT /api/me/password. */
  setup: boolean
}

export interface Span {
  from: string
  to: string
}

export interface StartInput {
  /** What it is about; where the channel has subjects, the subject. */
  about?: string
  /** By which to write. */
  account: string
  /** A ULID made by the client: the same id twice is one message. */
  id: string
  message: StartMessage
  /** An address as the account's channel has them. */
  to: string
}

export interface StartMessage {
  envelope?: Envelope
  html?: string
  parts?: PartInput[]
  sendAt?: string
  text?: string
  undo?: number
}

export interface Started {
  conversation: string
  event: string
}

export interface Status {
  from?: 'open' | 'snoozed' | 'resolved'
  to: 'open' | 'snoozed' | 'resolved'
  until?: string
  why?: string
}

export interface Subject {
  text: string
}

export interface Suggestion {
  at: string
  /** What is the same, and how it is known. linked: a channel names the other's address, unverified; said: one wrote it; profile: the profile of one, or what they filled in, holds it; alike: a full name with the same picture or user name; agent: one of us said so; shared: both used one place; undone: a verified link that was taken apart before. */
  evidence: Evidence[]
  id: string
  persons: string[]
  /** How much speaks for it, 0 to 99. Nobody is merged by it. */
  score: number
  /** How the first of it is known. */
  why: string
}

export interface SuggestionList {
  suggestions: Suggestion[]
}

export interface Taken {
  event: string
}

export interface Team {
  color: string
  id: string
  name: string
}

export interface TeamInput {
  name: string
}

export interface TeamList {
  teams: Team[]
}

export interface TextLimit {
  max: number
  rich?: string
  unit?: string
}

export interface Thread {
  account: string
  id: string
  parent?: string
}

export interface TokenInfo {
  createdAt: string
  expiresAt?: string
  id: string
  lastAt?: string
  name: string
  permissions?: ('conversation.read' | 'conversation.reply' | 'conversation.note' | 'conversation.assign' | 'conversation.manage' | 'person.read' | 'person.write' | 'person.merge' | 'person.export' | 'person.erase' | 'account.read' | 'account.manage' | 'agent.read' | 'agent.manage' | 'team.manage' | 'dead.manage' | 'audit.read' | 'status.read' | 'view.share' | 'reply.share' | 'catalogue.manage' | 'webhook.manage')[]
  token?: string
}

export interface TokenInput {
  expiresAt?: string
  name: string
  /** Empty: everything you may do. */
  permissions?: ('conversation.read' | 'conversation.reply' | 'conversation.note' | 'conversation.assign' | 'conversation.manage' | 'person.read' | 'person.write' | 'person.merge' | 'person.export' | 'person.erase' | 'account.read' | 'account.manage' | 'agent.read' | 'agent.manage' | 'team.manage' | 'dead.manage' | 'audit.read' | 'status.read' | 'view.share' | 'reply.share' | 'catalogue.manage' | 'webhook.manage')[]
}

export interface TokenList {
  tokens: TokenInfo[]
}

export interface Unknown {
  raw?: unknown
  summary?: string
  type: string
}

export interface Unsend {
  of: Ref
}

export interface View {
  builtIn: boolean
  filter: Filter
  id: string
  /** I may change it. */
  mine: boolean
  /** Of a saved view or a team; built-in views are named by the client. */
  name: string
  /** Absent where it is not known (yet). */
  number?: Number
  owner?: string
  /** Who sees it. */
  share: 'own' | 'team' | 'all'
  sort: 'newest' | 'oldest' | 'waiting' | 'deadline' | 'priority'
  /** Whose it is, where it is shared with a team. */
  team?: string
}

export interface ViewInput {
  filter: Filter
  name: string
  /** Empty: own. Others need view.share. */
  share?: '' | 'own' | 'team' | 'all'
  sort?: '' | 'newest' | 'oldest' | 'waiting' | 'deadline' | 'priority'
  /** With share team. */
  team?: string
}

export interface ViewList {
  views: View[]
}

export interface Ways {
  in?: boolean
  out?: boolean
}

export interface Webhook {
  createdAt: string
  enabled: boolean
  /** The first failure since it last took something. */
  failingSince?: string
  id: string
  /** What it is told; empty: everything. */
  kinds: string[]
  /** Of the last attempt, to about ten seconds. */
  lastAt?: string
  /** HTTP status of the last attempt; absent: no answer. */
  lastStatus?: number
  name: string
  /** Until when the secret before the last rotation signs as well. */
  previousUntil?: string
  /** Why it is off: switched off by hand, it answered 410, or it took nothing for five days. */
  stopped?: 'hand' | 'gone' | 'failing'
  url: string
}

export interface WebhookAttempt {
  at: string
  /** Why there was no answer, or no call. */
  error?: string
  /** How the answer began, in one line of at most 1 kB, without secrets. */
  snippet?: string
  /** HTTP status; absent: no answer. */
  status?: number
  /** Milliseconds. */
  took: number
}

export interface WebhookChange {
  enabled?: boolean
  kinds?: string[]
  name?: string
  url?: string
}

export interface WebhookDelivery {
  /** Since it was made or last replayed. */
  attempts: number
  /** Absent: a test. */
  conversation?: string
  createdAt: string
  /** While it waits: when it is tried next. */
  dueAt?: string
  /** The webhook-id: the same at each attempt. */
  id: string
  kind: string
  last?: WebhookAttempt
  /** The event's, in the conversation. */
  seq?: number
  state: 'waiting' | 'taken' | 'given_up'
}

export interface WebhookDeliveryList {
  deliveries: WebhookDelivery[]
  /** Send it as before for the next page. */
  next?: string
}

export interface WebhookInput {
  /** On, unless said otherwise. */
  enabled?: boolean
  kinds?: string[]
  name: string
  url: string
}

export interface WebhookKind {
  help: string
  name: string
}

export interface WebhookList {
  /** What endpoints may be told. */
  kinds: WebhookKind[]
  /** How many endpoints there may be. */
  most: number
  webhooks: Webhook[]
}

export interface WebhookRange {
  /** Deliveries made at this moment or later. */
  from: string
  /** Absent: both. */
  state?: 'taken' | 'given_up'
  /** And before this one; absent: now. */
  until?: string
}

export interface WebhookReplayed {
  replayed: number
}

export interface WebhookSecret {
  /** Verify webhook-signature with it. It is never shown again. */
  secret: string
  webhook: Webhook
}

export interface Window {
  at: string
  by?: string
  used?: number
}

export interface WindowRule {
  by?: ('customer' | 'agent' | 'assistant' | 'rule' | 'system' | 'external')[]
  for: number
  label?: Record<string, string>
  max?: number
  name: string
  opens: string[]
  tag?: string
}

/** What each operation takes and gives, by its id. */
export interface Operations {
  /** Accounts with their health */
  'list-accounts': {
    method: 'GET'
    path: '/api/accounts'
    answer: AccountList
  }
  /** Connect an account */
  'create-account': {
    method: 'POST'
    path: '/api/accounts'
    body: AccountDraft
    answer: Account
  }
  /** One account */
  'get-account': {
    method: 'GET'
    path: '/api/accounts/{id}'
    params: { id: string }
    answer: Account
  }
  /** Change an account */
  'change-account': {
    method: 'PATCH'
    path: '/api/accounts/{id}'
    params: { id: string }
    body: AccountChange
    answer: Account
  }
  /** Remove an account */
  'remove-account': {
    method: 'DELETE'
    path: '/api/accounts/{id}'
    params: { id: string }
    answer: void
  }
  /** Check an account now */
  'check-account': {
    method: 'POST'
    path: '/api/accounts/{id}/check'
    params: { id: string }
    answer: Account
  }
  /** Colleagues and roles */
  'list-agents': {
    method: 'GET'
    path: '/api/agents'
    answer: AgentList
  }
  /** Invite an agent */
  'invite-agent': {
    method: 'POST'
    path: '/api/agents'
    body: AgentInput
    answer: Invited
  }
  /** One colleague */
  'get-agent': {
    method: 'GET'
    path: '/api/agents/{id}'
    params: { id: string }
    answer: Agent
  }
  /** Change or disable an agent */
  'change-agent': {
    method: 'PATCH'
    path: '/api/agents/{id}'
    params: { id: string }
    body: AgentChange
    answer: Agent
  }
  /** A new one-time sign-in for an agent */
  'invite-again': {
    method: 'POST'
    path: '/api/agents/{id}/invite'
    params: { id: string }
    answer: Invited
  }
  /** Disconnect an agent from the provider */
  'unlink-agent': {
    method: 'DELETE'
    path: '/api/agents/{id}/oidc'
    params: { id: string }
    answer: void
  }
  /** End all sign-ins of an agent */
  'end-agent-sessions': {
    method: 'DELETE'
    path: '/api/agents/{id}/sessions'
    params: { id: string }
    answer: void
  }
  /** Which attributes persons have */
  'list-attributes': {
    method: 'GET'
    path: '/api/attributes'
    answer: AttributeList
  }
  /** Define an attribute of persons */
  'define-attribute': {
    method: 'PUT'
    path: '/api/attributes'
    body: AttributeDef
    answer: AttributeDef
  }
  /** Define an attribute no longer */
  'remove-attribute': {
    method: 'DELETE'
    path: '/api/attributes/{id}'
    params: { id: string }
    answer: void
  }
  /** The audit log, the latest first */
  'list-audit': {
    method: 'GET'
    path: '/api/audit'
    query: { before?: number; limit?: number }
    answer: AuditList
  }
  /** What I changed of many conversations of late */
  'list-bulks': {
    method: 'GET'
    path: '/api/bulk'
    answer: BulkList
  }
  /** Change many conversations */
  'start-bulk': {
    method: 'POST'
    path: '/api/bulk'
    body: BulkInput
    answer: Bulk
  }
  /** How far it is */
  'get-bulk': {
    method: 'GET'
    path: '/api/bulk/{id}'
    params: { id: string }
    answer: Bulk
  }
  /** Do no more of it */
  'stop-bulk': {
    method: 'DELETE'
    path: '/api/bulk/{id}'
    params: { id: string }
    answer: Bulk
  }
  /** Undo it */
  'undo-bulk': {
    method: 'POST'
    path: '/api/bulk/{id}/undo'
    params: { id: string }
    answer: Bulk
  }
  /** The kinds of channel, with their forms and limits */
  'list-channels': {
    method: 'GET'
    path: '/api/channels'
    answer: ChannelList
  }
  /** What the accounts of a kind share */
  'get-channel-app': {
    method: 'GET'
    path: '/api/channels/{kind}/app'
    params: { kind: string }
    answer: AppSettings
  }
  /** Change what the accounts of a kind share */
  'change-channel-app': {
    method: 'PUT'
    path: '/api/channels/{kind}/app'
    params: { kind: string }
    body: AppInput
    answer: AppSettings
  }
  /** Sign in on the far side */
  'connect-account': {
    method: 'POST'
    path: '/api/channels/{kind}/connect/{name}'
    params: { kind: string; name: string }
    answer: ConnectAddress
  }
  /** One page of the inbox */
  'list-conversations': {
    method: 'GET'
    path: '/api/conversations'
    query: { view?: string; filter?: string; sort?: '' | 'newest' | 'oldest' | 'waiting' | 'deadline' | 'priority'; after?: string; limit?: number }
    answer: ConversationList
  }
  /** Write to somebody first */
  'start-conversation': {
    method: 'POST'
    path: '/api/conversations'
    body: StartInput
    answer: Started
  }
  /** A conversation with its person and last events */
  'open-conversation': {
    method: 'GET'
    path: '/api/conversations/{id}'
    params: { id: string }
    query: { events?: number }
    answer: Opened
  }
  /** Change state, assignment, labels, priority or subject */
  'change-conversation': {
    method: 'PATCH'
    path: '/api/conversations/{id}'
    params: { id: string }
    body: ChangeInput
    answer: Changing
  }
  /** My draft */
  'get-draft': {
    method: 'GET'
    path: '/api/conversations/{id}/draft'
    params: { id: string }
    query: { kind?: 'reply' | 'note' }
    answer: Draft
  }
  /** Save my draft */
  'save-draft': {
    method: 'PUT'
    path: '/api/conversations/{id}/draft'
    params: { id: string }
    query: { kind?: 'reply' | 'note' }
    body: DraftInput
    answer: Draft
  }
  /** A stretch of a timeline */
  'list-events': {
    method: 'GET'
    path: '/api/conversations/{id}/events'
    params: { id: string }
    query: { before?: number; after?: number; limit?: number }
    answer: EventList
  }
  /** Answer the person, or write a note */
  'send-message': {
    method: 'POST'
    path: '/api/conversations/{id}/messages'
    params: { id: string }
    body: SendInput
    answer: Taken
  }
  /** Undo a message that has not left */
  'undo-message': {
    method: 'DELETE'
    path: '/api/conversations/{id}/messages/{event}'
    params: { id: string; event: string }
    answer: void
  }
  /** Send it at another time, or say something else */
  'reschedule-message': {
    method: 'POST'
    path: '/api/conversations/{id}/messages/{event}/reschedule'
    params: { id: string; event: string }
    body: RescheduleInput
    answer: Taken
  }
  /** Send a failed or unknown message again */
  'retry-message': {
    method: 'POST'
    path: '/api/conversations/{id}/messages/{event}/retry'
    params: { id: string; event: string }
    answer: Taken
  }
  /** Hide or delete what the person said in public */
  'moderate-message': {
    method: 'POST'
    path: '/api/conversations/{id}/moderate'
    params: { id: string }
    body: ModerateInput
    answer: Taken
  }
  /** Move my reading mark */
  'read-conversation': {
    method: 'PUT'
    path: '/api/conversations/{id}/read'
    params: { id: string }
    body: MarkInput
    answer: Mark
  }
  /** What could not be handled */
  'list-dead': {
    method: 'GET'
    path: '/api/dead'
    query: { topic?: 'inbound' | 'journal' | 'timeline' | 'outbound' | 'mentions'; after?: string; limit?: number }
    answer: DeadList
  }
  /** Discard a dead letter for good */
  'discard-dead': {
    method: 'DELETE'
    path: '/api/dead/{id}'
    params: { id: string }
    answer: void
  }
  /** Handle a dead letter again */
  'replay-dead': {
    method: 'POST'
    path: '/api/dead/{id}/replay'
    params: { id: string }
    answer: void
  }
  /** Upload an attachment */
  'upload-file': {
    method: 'POST'
    path: '/api/files'
    query: { name?: string }
    body: Blob
    answer: Part
  }
  /** Download an attachment */
  'download-file': {
    method: 'GET'
    path: '/api/files/{id}'
    params: { id: string }
    query: { inline?: '1'; size?: 'small' }
    answer: Blob
  }
  /** When we are open */
  'list-hours': {
    method: 'GET'
    path: '/api/hours'
    answer: HoursList
  }
  /** Define business hours */
  'create-hours': {
    method: 'POST'
    path: '/api/hours'
    body: HoursInput
    answer: HoursView
  }
  /** Change business hours */
  'change-hours': {
    method: 'PUT'
    path: '/api/hours/{id}'
    params: { id: string }
    body: HoursInput
    answer: HoursView
  }
  /** Remove business hours */
  'remove-hours': {
    method: 'DELETE'
    path: '/api/hours/{id}'
    params: { id: string }
    answer: void
  }
  /** Every label */
  'list-labels': {
    method: 'GET'
    path: '/api/labels'
    answer: LabelList
  }
  /** Define a label */
  'create-label': {
    method: 'POST'
    path: '/api/labels'
    body: LabelInput
    answer: Label
  }
  /** Change a label */
  'change-label': {
    method: 'PUT'
    path: '/api/labels/{id}'
    params: { id: string }
    body: LabelInput
    answer: LabelChanged
  }
  /** Remove a label from the catalogue */
  'remove-label': {
    method: 'DELETE'
    path: '/api/labels/{id}'
    params: { id: string }
    answer: void
  }
  /** Make a label part of another */
  'merge-label': {
    method: 'POST'
    path: '/api/labels/{id}/merge'
    params: { id: string }
    body: LabelMerge
    answer: LabelChanged
  }
  /** Who I am and what I may do */
  'get-me': {
    method: 'GET'
    path: '/api/me'
    answer: Me
  }
  /** Change my name and settings */
  'change-me': {
    method: 'PATCH'
    path: '/api/me'
    body: SettingsInput
    answer: Me
  }
  /** Change my password */
  'set-password': {
    method: 'PUT'
    path: '/api/me/password'
    body: PasswordInput
    answer: void
  }
  /** Begin a second factor */
  'enrol-totp': {
    method: 'POST'
    path: '/api/me/totp'
    body: EnrolInput
    answer: Enrolment
  }
  /** Turn the second factor on */
  'confirm-totp': {
    method: 'POST'
    path: '/api/me/totp/confirm'
    body: CodeInput
    answer: Recovery
  }
  /** Turn the second factor off */
  'disable-totp': {
    method: 'POST'
    path: '/api/me/totp/disable'
    body: DisableInput
    answer: void
  }
  /** I have seen every mention of me */
  'see-mentions': {
    method: 'POST'
    path: '/api/mentions/seen'
    answer: void
  }
  /** Take a merge apart again */
  'undo-merge': {
    method: 'POST'
    path: '/api/merges/{id}/undo'
    params: { id: string }
    answer: void
  }
  /** A person and how to reach them */
  'get-person': {
    method: 'GET'
    path: '/api/persons/{id}'
    params: { id: string }
    answer: PersonView
  }
  /** Change a person */
  'change-person': {
    method: 'PATCH'
    path: '/api/persons/{id}'
    params: { id: string }
    body: PersonInput
    answer: PersonView
  }
  /** A person's conversations, the latest first */
  'list-person-conversations': {
    method: 'GET'
    path: '/api/persons/{id}/conversations'
    params: { id: string }
    query: { after?: string; limit?: number }
    answer: PersonConversations
  }
  /** Erase a person for good */
  'erase-person': {
    method: 'POST'
    path: '/api/persons/{id}/erase'
    params: { id: string }
    body: EraseInput
    answer: void
  }
  /** Everything kept of a person, as a ZIP file */
  'export-person': {
    method: 'GET'
    path: '/api/persons/{id}/export'
    params: { id: string }
    answer: Blob
  }
  /** Add a way to reach a person */
  'add-identity': {
    method: 'POST'
    path: '/api/persons/{id}/identities'
    params: { id: string }
    body: IdentityInput
    answer: PersonView
  }
  /** Take a way to reach a person away */
  'remove-identity': {
    method: 'DELETE'
    path: '/api/persons/{id}/identities'
    params: { id: string }
    query: { identity: string }
    answer: void
  }
  /** Make two persons one */
  'merge-person': {
    method: 'POST'
    path: '/api/persons/{id}/merge'
    params: { id: string }
    body: MergeInput
    answer: Merged
  }
  /** Persons who may be the same */
  'list-suggestions': {
    method: 'GET'
    path: '/api/persons/{id}/suggestions'
    params: { id: string }
    answer: SuggestionList
  }
  /** Live updates (websocket) */
  realtime: {
    method: 'GET'
    path: '/api/realtime'
    query: { token?: string }
    answer: void
  }
  /** Saved replies and macros that I may use */
  'list-replies': {
    method: 'GET'
    path: '/api/replies'
    answer: ReplyList
  }
  /** Save a reply or a macro */
  'create-reply': {
    method: 'POST'
    path: '/api/replies'
    body: ReplyInput
    answer: Reply
  }
  /** Change a saved reply */
  'change-reply': {
    method: 'PUT'
    path: '/api/replies/{id}'
    params: { id: string }
    body: ReplyInput
    answer: Reply
  }
  /** Remove a saved reply */
  'remove-reply': {
    method: 'DELETE'
    path: '/api/replies/{id}'
    params: { id: string }
    answer: void
  }
  /** What it says in a conversation, and what it does there */
  'fill-reply': {
    method: 'POST'
    path: '/api/replies/{id}/fill'
    params: { id: string }
    body: FillInput
    answer: FilledReply
  }
  /** Messages that are to be sent later, the next first */
  'list-scheduled': {
    method: 'GET'
    path: '/api/scheduled'
    query: { limit?: number }
    answer: ScheduledList
  }
  /** Find messages, people and conversations */
  search: {
    method: 'GET'
    path: '/api/search'
    query: { q?: string; kind?: '' | 'conversation' | 'person' | 'message'; typing?: boolean; sort?: 'relevance' | 'newest'; channel?: string[]; account?: string[]; assignee?: string; team?: string[]; label?: string[]; state?: string[]; direction?: '' | 'in' | 'out' | 'internal'; since?: string; until?: string; person?: string; conversation?: string; attachment?: '' | 'yes' | 'no'; after?: string; limit?: number }
    answer: Found
  }
  /** Sign in with a password */
  'sign-in': {
    method: 'POST'
    path: '/api/session'
    body: SignInInput
    answer: SignedIn
  }
  /** Sign out */
  'sign-out': {
    method: 'DELETE'
    path: '/api/session'
    answer: void
  }
  /** How people may sign in */
  'list-sign-in-methods': {
    method: 'GET'
    path: '/api/session/methods'
    answer: SignInMethods
  }
  /** Sign in at the provider */
  'begin-oidc': {
    method: 'GET'
    path: '/api/session/oidc'
    answer: void
  }
  /** Back from the provider */
  'finish-oidc': {
    method: 'GET'
    path: '/api/session/oidc/callback'
    answer: void
  }
  /** Sign out at the provider */
  'end-oidc': {
    method: 'GET'
    path: '/api/session/oidc/end'
    answer: void
  }
  /** Sign in with a one-time secret */
  'sign-in-once': {
    method: 'POST'
    path: '/api/session/once'
    body: OnceInput
    answer: SignedIn
  }
  /** My sign-ins */
  'list-sessions': {
    method: 'GET'
    path: '/api/sessions'
    answer: SessionList
  }
  /** End one of my sign-ins */
  'end-session': {
    method: 'DELETE'
    path: '/api/sessions/{id}'
    params: { id: string }
    answer: void
  }
  /** How the hub is doing */
  'get-status': {
    method: 'GET'
    path: '/api/status'
    answer: HubStatus
  }
  /** They are not the same */
  'dismiss-suggestion': {
    method: 'DELETE'
    path: '/api/suggestions/{id}'
    params: { id: string }
    answer: void
  }
  /** Teams */
  'list-teams': {
    method: 'GET'
    path: '/api/teams'
    answer: TeamList
  }
  /** Make a team */
  'create-team': {
    method: 'POST'
    path: '/api/teams'
    body: TeamInput
    answer: Team
  }
  /** Rename a team */
  'rename-team': {
    method: 'PATCH'
    path: '/api/teams/{id}'
    params: { id: string }
    body: TeamInput
    answer: Team
  }
  /** Remove a team */
  'remove-team': {
    method: 'DELETE'
    path: '/api/teams/{id}'
    params: { id: string }
    answer: void
  }
  /** Say who is in a team */
  'set-team-members': {
    method: 'PUT'
    path: '/api/teams/{id}/members'
    params: { id: string }
    body: Members
    answer: Members
  }
  /** My API tokens */
  'list-tokens': {
    method: 'GET'
    path: '/api/tokens'
    answer: TokenList
  }
  /** Make an API token */
  'create-token': {
    method: 'POST'
    path: '/api/tokens'
    body: TokenInput
    answer: TokenInfo
  }
  /** Revoke one of my API tokens */
  'revoke-token': {
    method: 'DELETE'
    path: '/api/tokens/{id}'
    params: { id: string }
    answer: void
  }
  /** Every view that I see, with its numbers */
  'list-views': {
    method: 'GET'
    path: '/api/views'
    query: { count?: boolean }
    answer: ViewList
  }
  /** Save a view */
  'create-view': {
    method: 'POST'
    path: '/api/views'
    body: ViewInput
    answer: View
  }
  /** Change a saved view */
  'change-view': {
    method: 'PUT'
    path: '/api/views/{id}'
    params: { id: string }
    body: ViewInput
    answer: View
  }
  /** Remove a saved view */
  'remove-view': {
    method: 'DELETE'
    path: '/api/views/{id}'
    params: { id: string }
    answer: void
  }
  /** Endpoints that are told what happens */
  'list-webhooks': {
    method: 'GET'
    path: '/api/webhooks'
    answer: WebhookList
  }
  /** Add an endpoint */
  'create-webhook': {
    method: 'POST'
    path: '/api/webhooks'
    body: WebhookInput
    answer: WebhookSecret
  }
  /** One endpoint */
  'get-webhook': {
    method: 'GET'
    path: '/api/webhooks/{id}'
    params: { id: string }
    answer: Webhook
  }
  /** Change an endpoint, switch it on or off */
  'change-webhook': {
    method: 'PATCH'
    path: '/api/webhooks/{id}'
    params: { id: string }
    body: WebhookChange
    answer: Webhook
  }
  /** Remove an endpoint and its log */
  'delete-webhook': {
    method: 'DELETE'
    path: '/api/webhooks/{id}'
    params: { id: string }
    answer: void
  }
  /** What an endpoint was sent, the latest first */
  'list-webhook-deliveries': {
    method: 'GET'
    path: '/api/webhooks/{id}/deliveries'
    params: { id: string }
    query: { state?: 'waiting' | 'taken' | 'given_up'; before?: string; limit?: number }
    answer: WebhookDeliveryList
  }
  /** Send a delivery again */
  'replay-webhook-delivery': {
    method: 'POST'
    path: '/api/webhooks/{id}/deliveries/{delivery}/replay'
    params: { id: string; delivery: string }
    answer: WebhookDelivery
  }
  /** Send a part of the log again */
  'replay-webhook': {
    method: 'POST'
    path: '/api/webhooks/{id}/replay'
    params: { id: string }
    body: WebhookRange
    answer: WebhookReplayed
  }
  /** Give an endpoint a new secret */
  'rotate-webhook-secret': {
    method: 'POST'
    path: '/api/webhooks/{id}/secret'
    params: { id: string }
    answer: WebhookSecret
  }
  /** Call an endpoint now */
  'test-webhook': {
    method: 'POST'
    path: '/api/webhooks/{id}/test'
    params: { id: string }
    answer: WebhookDelivery
  }
  /** Back from signing in on the far side */
  connected: {
    method: 'GET'
    path: '/connect/{kind}/{name}'
    params: { kind: string; name: string }
    query: { state?: string }
    answer: void
  }
}
