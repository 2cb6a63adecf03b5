// The views of the inbox: their names and icons, for the pane, the list's header and the palette.
import type { Me } from "../model/types";
import type { IconName } from "../ui/icons";
import { type Key, t } from "./i18n";

export const fixedViews: { id: string; word: Key; icon: IconName; combo: string }[] = [
  { id: "mine", word: "view.mine", icon: "inbox", combo: "g i" },
  { id: "unassigned", word: "view.unassigned", icon: "user-plus", combo: "g u" },
  { id: "all", word: "view.all", icon: "messages", combo: "g a" },
  { id: "snoozed", word: "view.snoozed", icon: "clock-pause", combo: "g s" },
  { id: "resolved", word: "view.resolved", icon: "circle-check", combo: "g r" },
];

export function viewTitle(view: string, me: Me): string {
  const fixed = fixedViews.find((v) => v.id === view);
  if (fixed) return t(fixed.word);
  return me.teamList.find((x) => `team:${x.id}` === view)?.name ?? view;
}
