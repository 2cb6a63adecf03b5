// The people of the drawn pictures, as the hub would send them. Times are relative to a fixed morning.
export const DAY = process.env.MOCK_NOW ? new Date(process.env.MOCK_NOW) : new Date();
const at = (h, m, days = 0) => {
  const d = new Date(DAY);
  d.setDate(d.getDate() - days);
  d.setHours(h, m, 0, 0);
  return d.toISOString();
};

const ago = (min) => new Date(DAY.getTime() - min * 60e3).toISOString();
const H = 3600e9;
export const channels = [
  {
    kind: "instagram",
    title: { en: "Instagram", zh: "Instagram" },
    icon: "brand-instagram",
    hue: 355,
    settings: [
      {
        name: "account",
        label: { en: "Business account", zh: "商业账号" },
        help: { en: "Only professional accounts can receive messages.", zh: "只有专业账号才能收发消息。" },
        kind: "text",
      },
      {
        name: "token",
        label: { en: "Access token", zh: "访问令牌" },
        help: { en: "Made by signing in. Renewed while it is valid.", zh: "登录后生成，有效期内自动续期。" },
        kind: "secret",
      },
      { name: "comments", label: { en: "Receive comments", zh: "接收评论" }, kind: "bool", default: "true", optional: true },
    ],
    app: [
      {
        name: "app_id",
        label: { en: "App ID", zh: "应用编号" },
        help: { en: "Meta for Developers, App settings, Basic.", zh: "Meta 开发者后台，应用设置，基本。" },
        kind: "text",
      },
      {
        name: "app_secret",
        label: { en: "App secret", zh: "应用密钥" },
        help: { en: "Stored sealed. Nobody can read it back; you can only replace it.", zh: "加密保存，无法读出，只能替换。" },
        kind: "secret",
      },
    ],
    can: {
      text: { max: 1000, unit: "bytes", rich: "plain" },
      media: { image: { maxBytes: 8e6, mime: ["image/jpeg", "image/png"] } },
      reactions: { in: true, out: true },
      unsends: { in: true },
      typing: { out: true },
      receipts: ["delivered", "read"],
      windows: [
        { name: "standard", opens: ["message"], for: 24 * H },
        {
          name: "private_reply",
          label: { en: "one private reply", zh: "一次私信回复" },
          opens: ["comment"],
          for: 168 * H,
          max: 1,
        },
      ],
    },
    places: {
      comment: {
        label: { en: "Comment", zh: "评论" },
        text: { max: 2200, unit: "runes", rich: "plain" },
        public: true,
        moderation: ["hide", "unhide", "delete"],
      },
    },
  },
  {
    kind: "webchat",
    title: { en: "Web chat", zh: "网页聊天" },
    icon: "message-circle",
    hue: 190,
    settings: [
      {
        name: "origins",
        label: { en: "Allowed pages", zh: "允许的网页" },
        help: { en: "Origins that may show the widget, one on each line.", zh: "可以显示挂件的来源，每行一个。" },
        kind: "list",
      },
      { name: "color", label: { en: "Colour", zh: "颜色" }, kind: "color", default: "#2b53c6", optional: true },
      {
        name: "greeting",
        label: { en: "Greeting", zh: "问候语" },
        kind: "text",
        optional: true,
        default: "Hello, how can we help?",
      },
      {
        name: "away",
        label: { en: "When nobody is here", zh: "无人在线时" },
        kind: "choice",
        choices: ["ask for e-mail", "say when we are back", "hide"],
        default: "ask for e-mail",
      },
      {
        name: "secret",
        label: { en: "Signing secret", zh: "签名密钥" },
        help: { en: "Signs the identity of people who are logged in.", zh: "为已登录的客户签名。" },
        kind: "secret",
        optional: true,
      },
    ],
    app: [],
    can: {
      text: { max: 16000, unit: "runes", rich: "plain" },
      media: { image: { maxBytes: 20e6 }, file: { maxBytes: 20e6 }, video: { maxBytes: 20e6 }, audio: { maxBytes: 20e6 } },
      maxParts: 10,
      reactions: { in: true, out: true },
      edits: { in: true, out: true },
      unsends: { in: true, out: true },
      typing: { in: true, out: true },
      receipts: ["delivered", "read"],
      replyTo: true,
    },
  },
  {
    kind: "email",
    title: { en: "E-mail", zh: "邮件" },
    icon: "mail",
    hue: 245,
    settings: [
      { name: "imap", label: { en: "IMAP server" }, kind: "text" },
      { name: "password", label: { en: "Password" }, kind: "secret" },
    ],
    app: [],
    can: {
      text: { max: 0, rich: "html" },
      media: { file: { maxBytes: 25e6 }, image: { maxBytes: 25e6 } },
      subject: true,
      envelope: true,
      starts: true,
    },
    connect: [
      { name: "google", label: { en: "Sign in with Google", zh: "使用 Google 登录" }, ready: true },
      { name: "microsoft", label: { en: "Sign in with Microsoft", zh: "使用 Microsoft 登录" }, ready: false },
    ],
  },
  {
    kind: "phone",
    title: { en: "Phone", zh: "电话" },
    icon: "phone",
    hue: 145,
    settings: [{ name: "trunk", label: { en: "SIP trunk" }, kind: "text" }],
    app: [],
    can: { text: { max: 0 }, starts: true },
  },
];

export const agents = [
  { id: "A1", name: "Priya Nair", email: "priya@halden.example", roles: ["admin"], teams: ["T1", "T2"], totp: true },
  { id: "A2", name: "Jonas Weber", email: "jonas@halden.example", roles: ["agent"], teams: ["T1"] },
  { id: "A3", name: "Elena Rossi", email: "elena@halden.example", roles: ["agent"], teams: ["T2", "T3"] },
  {
    id: "A4",
    name: "Wei Zhang",
    email: "wei@halden.example",
    roles: ["supervisor"],
    teams: ["T3"],
    disabled: "2026-01-01T00:00:00Z",
  },
];
export const teams = [
  { id: "T1", name: "Warranty" },
  { id: "T2", name: "Orders" },
  { id: "T3", name: "中文客服" },
];
export const accounts = [
  {
    id: "mail1",
    channel: "email",
    name: "Halden support",
    handle: "support@halden.example",
    queue: "support",
    enabled: true,
    starts: true,
    lastIn: ago(10),
    createdAt: "2025-03-02T09:00:00Z",
    settings: { imap: "imap.halden.example" },
    secrets: { password: true },
    health: { state: "green", since: at(6, 0) },
  },
  {
    id: "ig1",
    channel: "instagram",
    name: "@haldenoutdoor",
    handle: "17841 4062 2218 877",
    queue: "support",
    enabled: true,
    createdAt: "2025-03-04T09:00:00Z",
    settings: { account: "@haldenoutdoor", comments: "true" },
    secrets: { token: true },
    callback: "/hooks/instagram",
    health: {
      state: "amber",
      reason:
        "The access token ends in 6 days. Meta refused to renew it: “session has been invalidated because the user changed their password” 190/460.",
      next: "Sign in again as Halden Outdoor. After that day we still receive, but cannot send.",
      since: at(9, 32),
    },
  },
  {
    id: "web1",
    channel: "webchat",
    name: "Halden shop",
    queue: "support",
    enabled: true,
    createdAt: "2025-03-01T09:00:00Z",
    settings: {
      origins: "https://shop.halden.example",
      color: "#2b53c6",
      greeting: "Hello, how can we help?",
      away: "ask for e-mail",
    },
    secrets: { secret: true },
    snippet: '<script async src="https://inbox.halden.example/c/web1/widget.js"></script>',
    health: { state: "green", since: at(9, 32) },
  },
  {
    id: "mail1",
    channel: "email",
    name: "help@halden.example",
    queue: "support",
    enabled: true,
    settings: { imap: "imap.halden.example" },
    secrets: { password: true },
    health: { state: "green", since: at(9, 30) },
  },
  {
    id: "ph1",
    channel: "phone",
    name: "+31 20 700 0110",
    queue: "support",
    enabled: true,
    settings: { trunk: "sip.halden.example" },
    health: { state: "green", since: at(9, 30) },
  },
];

const acct = { instagram: "ig1", webchat: "web1", email: "mail1", phone: "ph1" };
const leg = (channel, peer, display, o = {}) => ({
  id: `${acct[channel]}|${peer}`,
  thread: { account: acct[channel], id: peer },
  channel,
  identity: `${acct[channel]}|id|${peer}`,
  peer,
  display,
  ...o,
});
const me = { kind: "agent", id: "A1", name: "Priya Nair" };
const jonas = { kind: "agent", id: "A2", name: "Jonas Weber" };
const bot = { kind: "assistant", id: "bot", name: "Assistant" };

/** Builds a conversation from a short description of its events. */
function make(id, number, name, o, says) {
  const who = { kind: "customer", id: `P-${id}`, name };
  const legs = o.legs;
  const events = says.map((s, i) => {
    const e = {
      id: `${id}-${i + 1}`,
      kind: "message",
      conversation: id,
      seq: i + 1,
      leg: s.leg ?? legs[0].id,
      direction: "in",
      actor: who,
      received: s.at,
      ...s,
    };
    if (e.direction === "internal") delete e.leg;
    return e;
  });
  const ins = events.filter((e) => e.kind === "message" && e.direction === "in");
  const lastMsg = [...events].reverse().find((e) => e.kind === "message");
  const d = lastMsg.message.delivery?.state;
  return {
    events,
    read: { inCount: ins.length - (o.unread ?? 0), seq: o.unread ? (ins[ins.length - o.unread]?.seq ?? 1) - 1 : events.length },
    customer: o.customer,
    agents: o.agents ?? [],
    conversation: {
      id,
      number,
      person: `P-${id}`,
      name,
      queue: "support",
      state: o.state ?? "open",
      assignee: o.assignee ?? "A1",
      team: o.team ?? "",
      legs,
      labels: o.labels,
      priority: o.priority,
      // only mail has subjects; elsewhere the first words stand for one
      ...(legs[0].channel === "email" ? { subject: o.subject } : { opening: opening(ins[0]?.message?.text) }),
      snoozeUntil: o.snoozeUntil,
      seq: events.length,
      inCount: ins.length,
      lastInSeq: ins.at(-1)?.seq ?? 0,
      lastOutSeq: 0,
      lastAt: lastMsg.at,
      createdAt: events[0].at,
      undelivered: events.filter((e) => e.message?.delivery?.state === "failed").length,
      waitingSince: o.waitingSince,
      nextDeadline: o.due,
      last: {
        event: lastMsg.id,
        seq: lastMsg.seq,
        text: (lastMsg.message.text ?? "").slice(0, 140),
        direction: lastMsg.direction,
        actor: lastMsg.actor,
        leg: lastMsg.leg,
        at: lastMsg.at,
        delivery: d,
        part: lastMsg.message.parts?.[0]?.kind,
      },
    },
  };
}
const opening = (text = "") => (text.length > 80 ? `${text.slice(0, 79).trimEnd()}…` : text) || undefined;
const soon = (min) => new Date(DAY.getTime() + min * 60e3).toISOString();
const inn = (text, t, o = {}) => ({ at: t, message: { text, ...o.message }, ...(o.leg ? { leg: o.leg } : {}) });
const out = (text, t, state, o = {}) => ({
  at: t,
  direction: "out",
  actor: o.actor ?? me,
  message: { text, parts: o.parts, delivery: { state, at: o.stateAt ?? t, attempt: 1, failure: o.failure } },
  ...(o.leg ? { leg: o.leg } : {}),
});
const internal = (kind, t, actor, payload) => ({ kind, at: t, direction: "internal", actor, [kind]: payload });

const mayaLegs = [
  leg("instagram", "9981", "@maya.hikes", { lastIn: ago(2), opened: { message: { at: ago(18 * 60) } } }),
  leg("webchat", "v-5512", "Account 88213", { lastIn: ago(90), opened: {} }),
  leg("email", "maya@lindqvist.se", "maya@lindqvist.se", { lastIn: ago(95) }),
  leg("phone", "+31628404471", "+31 6 2840 4471", { closed: "Calls are not part of this installation" }),
];
const inesLegs = [
  leg("instagram", "comment:17", "@ines.climbs", {
    place: "comment",
    about: "Ridge 2 in moss: back in the shop on Monday",
    lastIn: ago(40),
  }),
  leg("instagram", "7712", "@ines.climbs", { opened: { comment: { at: ago(40), by: "17" } } }),
  leg("email", "ines@costa.example", "ines@costa.example", { about: "Group order for eight", lastIn: ago(12) }),
];
const address = (name, mail) => ({ name, address: mail });
const newsletter =
  '<table width="100%" bgcolor="#f4efe6" cellpadding="16"><tbody><tr><td><h2 style="margin:0 0 8px;color:#3a5230">Our order, as a table</h2><p>Dear all, below is what the club needs. The logo is ours.</p><img data-cid="logo@costa" alt="Logo" width="120"><table border="1" cellpadding="6"><tbody><tr><th>Tent</th><th>Pieces</th></tr><tr><td>Ridge 2</td><td>6</td></tr><tr><td>Trail 38</td><td>2</td></tr></tbody></table><p><img data-remote="https://tracker.example/1.gif" alt="" width="1" height="1"><img data-remote="https://club.example/photo.jpg" alt="The club on a summit" width="240" height="80"></p></td></tr></tbody></table>';
export const conversations = [
  make("ines", 20431, "Inês Costa", { legs: inesLegs, unread: 1, waitingSince: ago(12), labels: ["wholesale"] }, [
    inn("Is it true that the poles crack in the cold? Asking before I buy eight of them", ago(40), {
      message: { replyTo: { kind: "post", url: "https://www.instagram.com/p/x" } },
    }),
    inn("Buy cheap followers at fol1owers.example!!", ago(39), {
      message: {
        moderated: { action: "hide", state: "done", asked: "x", by: me, at: ago(38) },
      },
    }),
    out("They are tested down to −20 °C. I have sent you a private message about the group price.", ago(36), "sent"),
    inn("Dear all, below is what the club needs.", ago(12), {
      leg: inesLegs[2].id,
      message: {
        subject: "Group order for eight",
        html: newsletter,
        envelope: {
          from: address("Inês Costa", "ines@costa.example"),
          to: [address("Halden Support", "support@halden.example")],
          cc: [address("Rui Alves", "rui@costa.example"), address("", "treasurer@costa.example")],
        },
        checks: [
          { name: "DMARC", result: "pass", detail: "costa.example" },
          { name: "DKIM", result: "pass", detail: "costa.example" },
        ],
        parts: [
          { kind: "image", name: "logo.svg", mime: "image/png", size: 12e3, file: "pole", inline: "logo@costa" },
          { kind: "file", name: "order.xlsx", mime: "application/vnd.ms-excel", size: 31e3, file: "order" },
          { kind: "source", name: "message.eml", mime: "message/rfc822", size: 61e3, file: "source" },
        ],
      },
    }),
    inn("Sent from somebody else’s server, saying it is me.", ago(10), {
      leg: inesLegs[2].id,
      message: {
        subject: "Change of bank account",
        checks: [{ name: "DMARC", result: "fail", detail: "costa.example asks to refuse it" }],
        html: "<p>Sent from somebody else’s server, saying it is me.</p>",
        quoted: Array(6).fill("> See below.").join("\n"),
      },
    }),
  ]),
  make(
    "tomas",
    20411,
    "Tomás Herrera",
    {
      legs: [leg("email", "tomas@herrera.example", "tomas@herrera.example")],
      subject: "Refund for HO-19877 not received",
      unread: 3,
      due: ago(8),
      waitingSince: ago(400),
    },
    [
      out("We have sent the refund on Monday, it takes three working days.", at(10, 12, 3), "sent"),
      inn("Still nothing.", at(18, 0, 1)),
      inn("I called my bank, nothing there.", at(8, 10)),
      inn("It has been eleven days. Please tell me whom to ask.", at(8, 12)),
    ],
  ),
  make(
    "maya",
    20418,
    "Maya Lindqvist",
    {
      legs: mayaLegs,
      subject: "Cracked pole, order HO-20418",
      labels: ["warranty", "repeat buyer"],
      priority: 3,
      team: "T1",
      unread: 1,
      due: soon(14.5),
      waitingSince: ago(2),
      customer: { online: true, leg: "web1|v-5512" },
      agents: [
        { id: "A2", name: "Jonas Weber", state: "viewing" },
        { id: "A3", name: "Elena Rossi", state: "typing" },
      ],
    },
    [
      inn("Is this the Ridge 2? Mine came on Tuesday and one pole is already cracked at the joint.", at(18, 42, 1), {
        message: { replyTo: { kind: "story", url: "" } },
      }),
      {
        at: at(18, 42, 1),
        message: {
          parts: [
            { kind: "image", name: "IMG_2229.jpg", mime: "image/jpeg", size: 2.4e6, file: "pole", width: 1200, height: 764 },
          ],
        },
      },
      inn("Order HO-20418. We leave on Friday morning, so it is a bit urgent.", at(18, 42, 1)),
      out(
        "Sorry about the pole, Maya. I have found your order and passed it to our warranty team with your photo. They start at 08:00.",
        at(18, 43, 1),
        "read",
        { actor: bot },
      ),
      internal("control", at(18, 44, 1), bot, { name: "handed_over" }),
      internal("assignment", at(18, 44, 1), { kind: "rule", name: "Warranty first" }, { agent: "A1", agentName: "Priya Nair" }),
      internal("labels", at(18, 44, 1), { kind: "rule", name: "Warranty first" }, { add: ["warranty"], priority: 3 }),
      inn(
        "Hello, here are the receipt and a sharper photo, as your assistant asked. A replacement pole is fine, I do not need a new tent.",
        at(7, 58),
        {
          leg: mayaLegs[2].id,
          message: {
            subject: "Cracked pole, order HO-20418",
            quoted: Array(14).fill("> They start at 08:00.").join("\n"),
            parts: [
              { kind: "file", name: "receipt-20418.pdf", mime: "application/pdf", size: 84e3, file: "receipt" },
              { kind: "image", name: "IMG_2231.jpg", mime: "image/jpeg", size: 2.1e6, file: "pole", width: 1200, height: 800 },
            ],
          },
        },
      ),
      inn("Hi, me again on your website. Did my e-mail arrive?", at(8, 4), { leg: mayaLegs[1].id }),
      out("Good morning Maya. Looking for one in our depots now. Shall we call you when we know?", at(8, 5), "read", {
        leg: mayaLegs[1].id,
        stateAt: at(8, 5),
      }),
      inn("Yes please, and see https://halden.example/tents/ridge-2 for the exact model.", at(8, 6), {
        leg: mayaLegs[1].id,
        message: { reactions: [{ by: me, emoji: "👍", at: at(8, 7) }] },
      }),
      {
        kind: "note",
        at: at(8, 27),
        direction: "internal",
        actor: jonas,
        message: {
          text: "@Priya Nair depot has 3 sets. Courier cut-off is 11:30, so we need her address before that.",
          mentions: ["A1"],
        },
      },
      out("", at(9, 16), "failed", {
        parts: [{ kind: "image", name: "shipping-label.heic", mime: "image/heic", size: 1.4e6, file: "label" }],
        failure: { class: "refused", code: "100/2018047", said: "Upload attachment failure", advice: "It takes JPEG and PNG." },
      }),
      inn("Great! Could you deliver it to my office instead? Keizersgracht 12, someone is there until 17:00.", at(9, 31)),
    ],
  ),
  make(
    "ingrid",
    20417,
    "Ingrid Solberg",
    {
      legs: [leg("webchat", "v-77", "Ingrid")],
      subject: "Invoice with the wrong VAT number",
      agents: [{ id: "A2", name: "Jonas Weber", state: "viewing" }],
    },
    [
      inn("The invoice has our old VAT number.", at(9, 20)),
      out("Thank you, we are correcting it.", at(9, 27), "delivered", { actor: jonas }),
    ],
  ),
  make(
    "amara",
    20416,
    "Amara Okafor",
    {
      legs: [leg("webchat", "v-78", "Amara")],
      subject: "Sizing for the Trail 38 pack",
      unread: 1,
      due: soon(2.5),
      waitingSince: ago(3),
      customer: { online: true, typing: true },
    },
    [inn("Is the Trail 38 good for a short back?", at(9, 26))],
  ),
  make(
    "chen",
    20415,
    "陈雨桐",
    {
      legs: [leg("instagram", "4471", "@yutong", { opened: { message: { at: ago(10) } } })],
      subject: "想问一下寄到杭州的运费",
      unread: 2,
      waitingSince: ago(9),
      team: "T3",
    },
    [inn("你好", at(9, 23)), inn("你好，请问帐篷可以寄到杭州吗？大概几天能到？", at(9, 24))],
  ),
  make("sofia", 20414, "Sofia Rossi", { legs: [leg("webchat", "v-79", "Sofia")], subject: "Change of delivery date" }, [
    inn("Can it come on Saturday?", at(9, 21)),
    out("Of course. What is your postcode?", at(9, 22), "delivered", { actor: bot }),
  ]),
  make(
    "noah",
    20413,
    "Noah Becker",
    {
      legs: [leg("instagram", "5512", "@noah", { opened: { message: { at: ago(30 * 60) } } })],
      subject: "Discount code from the story",
    },
    [
      inn("Code please", at(9, 0)),
      out("Here it is: TRAIL10", at(9, 10), "failed", {
        failure: {
          class: "blocked",
          code: "10/2534037",
          said: "This person isn't receiving messages from you right now",
          advice: "Ask by another channel.",
        },
      }),
    ],
  ),
  make(
    "chloe",
    20412,
    "Chloé Martin",
    {
      legs: [leg("email", "chloe@scouts.example", "chloe@scouts.example"), leg("phone", "+33", "+33 6 12")],
      subject: "Re: Group order for the scout troop",
      agents: [{ id: "A2", name: "Jonas Weber", state: "viewing" }],
    },
    [inn("Could you hold 24 mats?", at(8, 40)), out("We can hold 24 sleeping mats until Friday at noon", at(8, 52), "sent")],
  ),
  make(
    "liam",
    20410,
    "Liam O’Connor",
    {
      legs: [leg("webchat", "v-80", "Liam"), leg("email", "liam@o.example", "liam@o.example")],
      subject: "Boots rub at the heel",
    },
    [inn("They rub.", at(8, 20)), out("Size 42.5 is in stock again, shall I put a pair aside for you?", at(8, 31), "read")],
  ),
  make(
    "henk",
    20409,
    "Henk de Vries",
    { legs: [leg("email", "henk@vries.example", "henk@vries.example")], subject: "Spare stakes for Ridge 4" },
    [
      inn("Do you sell stakes?", at(15, 0, 1)),
      out("They are 4.50 for a set of six, and ship with the tent", at(15, 30, 1), "sent"),
    ],
  ),
  make(
    "pia",
    20408,
    "Pia Kowalska",
    {
      legs: [leg("email", "pia@k.example", "pia@k.example")],
      subject: "Wholesale price list 2027",
      state: "snoozed",
      snoozeUntil: soon(60 * 24),
    },
    [inn("Please send the list", at(11, 0, 2))],
  ),
];
for (let i = 0; i < 7; i++) {
  conversations.push(
    make(
      `un${i}`,
      20300 + i,
      ["Ola Berg", "Kim Park", "Ada Lovell", "Juan Pérez", "Mia Wong", "Sam Doe", "Zoë Blix"][i],
      {
        legs: [leg(i % 2 ? "webchat" : "email", `u${i}`, `u${i}`)],
        assignee: "",
        subject: [
          "Stove does not light",
          "Where is my parcel?",
          "Gift card",
          "Wrong size",
          "Rope length",
          "Bulk price",
          "Repair",
        ][i],
        unread: 1,
        waitingSince: ago(20 + i * 7),
      },
      [inn("Hello, can somebody help me with this?", ago(20 + i * 7))],
    ),
  );
}
/** A conversation of ten thousand messages, for scrolling. */
const long = [];
for (let i = 0; i < 10_000; i++) {
  const t = new Date(DAY.getTime() - (10_000 - i) * 13 * 60e3 - 60e3).toISOString();
  const text = `${i + 1}. ${"The tent stood well in the wind. ".repeat(1 + ((i * 7) % 5))}`;
  long.push(i % 3 === 2 ? out(text, t, "read") : inn(text, t));
}
conversations.push(
  make(
    "long",
    20001,
    "Long Thread",
    { legs: [leg("webchat", "v-long", "Long")], subject: "Ten thousand messages", team: "T2" },
    long,
  ),
);
for (let i = 0; i < 160; i++)
  conversations.push(
    make(
      `old${i}`,
      19000 + i,
      `Customer ${i + 1}`,
      { legs: [leg("email", `c${i}@x.example`, `c${i}@x.example`)], state: "resolved", subject: `Solved matter ${i + 1}` },
      [inn("Thanks!", ago(60 * 24 * (i + 2)))],
    ),
  );

export const persons = {
  "P-kth": {
    person: { id: "P-kth", name: "m.lindqvist@kth.se" },
    identities: [
      { id: "|email|m.lindqvist@kth.se", identity: { scheme: "email", value: "m.lindqvist@kth.se", proof: "" }, person: "P-kth" },
    ],
    suggestions: [],
    past: [],
  },
  "P-maya": {
    person: {
      id: "P-maya",
      name: "Maya Lindqvist",
      profile: { locale: "en", timeZone: "Europe/Amsterdam", extra: { city: "Amsterdam" } },
      attributes: { Order: "HO-20418", Tier: "Gold", Language: "English, Swedish" },
      note: "Leaves for Norway on Friday morning. Prefers Instagram.",
      createdAt: "2024-05-01T00:00:00Z",
      lastAt: ago(2),
    },
    identities: [
      {
        id: "ig1|igsid|9981",
        identity: { account: "ig1", scheme: "igsid", value: "9981", proof: "provider", display: "@maya.hikes" },
        person: "P-maya",
      },
      {
        id: "|email|maya@lindqvist.se",
        identity: {
          account: "mail1",
          scheme: "email",
          value: "maya@lindqvist.se",
          proof: "signed",
          display: "maya@lindqvist.se",
        },
        person: "P-maya",
      },
      {
        id: "web1|user|88213",
        identity: { account: "web1", scheme: "user", value: "88213", proof: "signed", display: "Account 88213" },
        person: "P-maya",
      },
      {
        id: "|tel|+31628404471",
        identity: { account: "ph1", scheme: "tel", value: "+31628404471", proof: "", display: "+31 6 2840 4471" },
        person: "P-maya",
      },
    ],
    suggestions: [
      { id: "S1", persons: ["P-maya", "P-kth"], why: "Same phone number on order HO-17730; Same delivery address, 2 times" },
    ],
    past: [
      ["Invoice copy", "email", "2025-06-03"],
      ["Is the Trail 38 back?", "instagram", "2025-02-18"],
      ["Return of gaiters", "webchat", "2025-01-09"],
    ].map(([subject, ch, d], i) => ({
      id: `past${i}`,
      number: 100 + i,
      person: "P-maya",
      name: "Maya Lindqvist",
      queue: "support",
      state: "resolved",
      assignee: "",
      team: "",
      legs: [leg(ch, "x", "x")],
      seq: 2,
      inCount: 1,
      lastInSeq: 1,
      lastOutSeq: 2,
      lastAt: `${d}T10:00:00Z`,
      createdAt: `${d}T09:00:00Z`,
      subject,
    })),
  },
};
export const dead = [
  {
    id: "D1",
    topic: "inbound",
    key: "ig1|9981",
    group: "resolve",
    reason: "resolve: unknown account",
    attempts: 5,
    failed: ago(50),
  },
  {
    id: "D2",
    topic: "timeline",
    key: "maya",
    group: "search",
    reason: "search: index refused the document",
    attempts: 5,
    failed: ago(300),
  },
];
