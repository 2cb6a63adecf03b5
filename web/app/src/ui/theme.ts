// Mantine's theme and the colour scheme. Colours come from tokens.css by mantine.css.
import { createTheme, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#f1f4fd",
  "#e7ecfb",
  "#cdd7f6",
  "#b9c7f2",
  "#8aa4ff",
  "#3e63dd",
  "#2b53c6",
  "#2447ad",
  "#1d3a8e",
  "#162c6c",
];

export const theme = createTheme({
  fontFamily: "var(--font)",
  colors: { accent },
  primaryColor: "accent",
  primaryShade: { light: 6, dark: 5 },
  defaultRadius: "sm",
  cursorType: "default",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    // forms here ask only for what they need: a star on every field says nothing
    InputWrapper: { defaultProps: { withAsterisk: false } },
    TextInput: { defaultProps: { withAsterisk: false } },
    PasswordInput: { defaultProps: { withAsterisk: false } },
  },
});
