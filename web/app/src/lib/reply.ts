// Which leg the next answer goes by, for each conversation. The leg bar and the composer share it.
import { store } from "./store";

export const replyLeg = store<Readonly<Record<string, string>>>({});
