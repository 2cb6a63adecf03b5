// ?theme=dark or ?theme=light decides for the page and the widget; ?lang=zh for the widget's language.
const q = new URLSearchParams(location.search);
const theme = q.get("theme");
const lang = q.get("lang");
if (theme) document.documentElement.dataset.theme = theme;
const tell = () => {
  const tag = document.querySelector("script[data-account]");
  if (!tag) return false;
  if (theme) tag.dataset.theme = theme;
  if (lang) tag.dataset.locale = lang;
  return true;
};
if (!tell()) new MutationObserver((_, o) => tell() && o.disconnect()).observe(document.head, { childList: true });
