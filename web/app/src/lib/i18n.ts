// Words in the reader's language. A message is a string with {names}, or one form for each plural
// category that the language has (Intl.PluralRules); dates and numbers come from Intl.

import { kept, store, useStore } from "./store";
import { en } from "./words/en";

export type Forms = string | { one?: string; other: string };
export type Key = keyof typeof en;
export type Catalogue = Record<Key, Forms>;
export type Lang = "en" | "zh";

/** What the reader chose; auto follows the browser. */
export const chosen = kept<Lang | "auto">("parley.language", "auto");

function wanted(): Lang {
  const c = chosen.get();
  if (c !== "auto") return c;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

interface Now {
  lang: Lang;
  words: Catalogue;
}

const now = store<Now>({ lang: "en", words: en });

/** Loads the language that is wanted. English is always here; the other is fetched when needed. */
export async function speak(): Promise<void> {
  const lang = wanted();
  const words: Catalogue = lang === "zh" ? (await import("./words/zh")).zh : en;
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  now.set({ lang, words });
}
chosen.watch(() => void speak());

export function lang(): Lang {
  return now.get().lang;
}

/** For Intl: dates as people here write them. */
export function locale(): string {
  return lang() === "zh" ? "zh-CN" : "en-GB";
}

const numbers = { en: new Intl.NumberFormat("en-GB"), zh: new Intl.NumberFormat("zh-CN") };
const plurals = { en: new Intl.PluralRules("en"), zh: new Intl.PluralRules("zh") };

export function t(key: Key, values: Record<string, string | number> = {}): string {
  const { lang: l, words } = now.get();
  const form = words[key];
  const n = values.n;
  const text =
    typeof form === "string"
      ? form
      : ((plurals[l].select(Number.parseFloat(String(n ?? 0))) === "one" ? form.one : undefined) ?? form.other);
  return text.replace(/\{(\w+)\}/g, (all, name: string) => {
    const v = values[name];
    return v === undefined ? all : typeof v === "number" ? numbers[l].format(v) : v;
  });
}

/** The same function under two names, so that memos see a change of language. */
const byLang: Record<Lang, typeof t> = { en: (key, values) => t(key, values), zh: (key, values) => t(key, values) };

/** Draws the component again when the language changes. */
export function useWords(): typeof t {
  const { lang: l } = useStore(now);
  return byLang[l];
}

/** A word that the hub gives in several languages. */
export function said(words: Record<string, string> | undefined, otherwise = ""): string {
  if (!words) return otherwise;
  return words[lang()] ?? words.en ?? Object.values(words)[0] ?? otherwise;
}
