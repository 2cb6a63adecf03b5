// One icon, one meaning: every icon of the app by name. Each is imported alone, so that no other one is loaded.

import IconAlertCircle from "@tabler/icons-react/dist/esm/icons/IconAlertCircle.mjs";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconArrowBackUp from "@tabler/icons-react/dist/esm/icons/IconArrowBackUp.mjs";
import IconArrowDown from "@tabler/icons-react/dist/esm/icons/IconArrowDown.mjs";
import IconArrowLeft from "@tabler/icons-react/dist/esm/icons/IconArrowLeft.mjs";
import IconArrowMergeRight from "@tabler/icons-react/dist/esm/icons/IconArrowMergeRight.mjs";
import IconArrowUp from "@tabler/icons-react/dist/esm/icons/IconArrowUp.mjs";
import IconArrowUpCircle from "@tabler/icons-react/dist/esm/icons/IconArrowUpCircle.mjs";
import IconCalendar from "@tabler/icons-react/dist/esm/icons/IconCalendar.mjs";
import IconCheck from "@tabler/icons-react/dist/esm/icons/IconCheck.mjs";
import IconChecks from "@tabler/icons-react/dist/esm/icons/IconChecks.mjs";
import IconChevronDown from "@tabler/icons-react/dist/esm/icons/IconChevronDown.mjs";
import IconChevronRight from "@tabler/icons-react/dist/esm/icons/IconChevronRight.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleDashed from "@tabler/icons-react/dist/esm/icons/IconCircleDashed.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconClockPause from "@tabler/icons-react/dist/esm/icons/IconClockPause.mjs";
import IconCopy from "@tabler/icons-react/dist/esm/icons/IconCopy.mjs";
import IconDeviceDesktop from "@tabler/icons-react/dist/esm/icons/IconDeviceDesktop.mjs";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconDownload from "@tabler/icons-react/dist/esm/icons/IconDownload.mjs";
import IconExternalLink from "@tabler/icons-react/dist/esm/icons/IconExternalLink.mjs";
import IconEye from "@tabler/icons-react/dist/esm/icons/IconEye.mjs";
import IconEyeOff from "@tabler/icons-react/dist/esm/icons/IconEyeOff.mjs";
import IconFile from "@tabler/icons-react/dist/esm/icons/IconFile.mjs";
import IconFileCode from "@tabler/icons-react/dist/esm/icons/IconFileCode.mjs";
import IconFileTypePdf from "@tabler/icons-react/dist/esm/icons/IconFileTypePdf.mjs";
import IconFlag from "@tabler/icons-react/dist/esm/icons/IconFlag.mjs";
import IconHeadphones from "@tabler/icons-react/dist/esm/icons/IconHeadphones.mjs";
import IconHeadset from "@tabler/icons-react/dist/esm/icons/IconHeadset.mjs";
import IconHelpCircle from "@tabler/icons-react/dist/esm/icons/IconHelpCircle.mjs";
import IconHelpOctagon from "@tabler/icons-react/dist/esm/icons/IconHelpOctagon.mjs";
import IconHistory from "@tabler/icons-react/dist/esm/icons/IconHistory.mjs";
import IconHourglass from "@tabler/icons-react/dist/esm/icons/IconHourglass.mjs";
import IconInbox from "@tabler/icons-react/dist/esm/icons/IconInbox.mjs";
import IconKeyboard from "@tabler/icons-react/dist/esm/icons/IconKeyboard.mjs";
import IconLanguage from "@tabler/icons-react/dist/esm/icons/IconLanguage.mjs";
import IconLink from "@tabler/icons-react/dist/esm/icons/IconLink.mjs";
import IconList from "@tabler/icons-react/dist/esm/icons/IconList.mjs";
import IconLock from "@tabler/icons-react/dist/esm/icons/IconLock.mjs";
import IconLogout from "@tabler/icons-react/dist/esm/icons/IconLogout.mjs";
import IconMailbox from "@tabler/icons-react/dist/esm/icons/IconMailbox.mjs";
import IconMapPin from "@tabler/icons-react/dist/esm/icons/IconMapPin.mjs";
import IconMessageQuestion from "@tabler/icons-react/dist/esm/icons/IconMessageQuestion.mjs";
import IconMessages from "@tabler/icons-react/dist/esm/icons/IconMessages.mjs";
import IconMicrophone from "@tabler/icons-react/dist/esm/icons/IconMicrophone.mjs";
import IconMinus from "@tabler/icons-react/dist/esm/icons/IconMinus.mjs";
import IconMoodSmile from "@tabler/icons-react/dist/esm/icons/IconMoodSmile.mjs";
import IconMoon from "@tabler/icons-react/dist/esm/icons/IconMoon.mjs";
import IconPaperclip from "@tabler/icons-react/dist/esm/icons/IconPaperclip.mjs";
import IconPencil from "@tabler/icons-react/dist/esm/icons/IconPencil.mjs";
import IconPhoto from "@tabler/icons-react/dist/esm/icons/IconPhoto.mjs";
import IconPlug from "@tabler/icons-react/dist/esm/icons/IconPlug.mjs";
import IconPlus from "@tabler/icons-react/dist/esm/icons/IconPlus.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import IconSend from "@tabler/icons-react/dist/esm/icons/IconSend.mjs";
import IconSettings from "@tabler/icons-react/dist/esm/icons/IconSettings.mjs";
import IconShieldLock from "@tabler/icons-react/dist/esm/icons/IconShieldLock.mjs";
import IconSun from "@tabler/icons-react/dist/esm/icons/IconSun.mjs";
import IconTag from "@tabler/icons-react/dist/esm/icons/IconTag.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import IconUser from "@tabler/icons-react/dist/esm/icons/IconUser.mjs";
import IconUserCheck from "@tabler/icons-react/dist/esm/icons/IconUserCheck.mjs";
import IconUserCircle from "@tabler/icons-react/dist/esm/icons/IconUserCircle.mjs";
import IconUserPlus from "@tabler/icons-react/dist/esm/icons/IconUserPlus.mjs";
import IconUsers from "@tabler/icons-react/dist/esm/icons/IconUsers.mjs";
import IconVideo from "@tabler/icons-react/dist/esm/icons/IconVideo.mjs";
import IconWifiOff from "@tabler/icons-react/dist/esm/icons/IconWifiOff.mjs";
import IconX from "@tabler/icons-react/dist/esm/icons/IconX.mjs";

export const icons = {
  inbox: IconInbox,
  "user-plus": IconUserPlus,
  messages: IconMessages,
  "clock-pause": IconClockPause,
  "circle-check": IconCircleCheck,
  search: IconSearch,
  keyboard: IconKeyboard,
  settings: IconSettings,
  "arrow-up": IconArrowUp,
  "arrow-down": IconArrowDown,
  "arrow-left": IconArrowLeft,
  "chevron-down": IconChevronDown,
  "chevron-right": IconChevronRight,
  "alert-triangle": IconAlertTriangle,
  clock: IconClock,
  pencil: IconPencil,
  "alert-circle": IconAlertCircle,
  "arrow-back-up": IconArrowBackUp,
  eye: IconEye,
  "eye-off": IconEyeOff,
  "file-code": IconFileCode,
  lock: IconLock,
  checks: IconChecks,
  check: IconCheck,
  refresh: IconRefresh,
  paperclip: IconPaperclip,
  photo: IconPhoto,
  "mood-smile": IconMoodSmile,
  history: IconHistory,
  dots: IconDots,
  file: IconFile,
  "file-type-pdf": IconFileTypePdf,
  x: IconX,
  logout: IconLogout,
  hourglass: IconHourglass,
  users: IconUsers,
  user: IconUser,
  "user-check": IconUserCheck,
  sun: IconSun,
  moon: IconMoon,
  "device-desktop": IconDeviceDesktop,
  copy: IconCopy,
  trash: IconTrash,
  plus: IconPlus,
  minus: IconMinus,
  mailbox: IconMailbox,
  "wifi-off": IconWifiOff,
  "arrow-merge": IconArrowMergeRight,
  tag: IconTag,
  flag: IconFlag,
  "external-link": IconExternalLink,
  "circle-dashed": IconCircleDashed,
  "help-circle": IconHelpCircle,
  "map-pin": IconMapPin,
  microphone: IconMicrophone,
  video: IconVideo,
  download: IconDownload,
  "help-octagon": IconHelpOctagon,
  headphones: IconHeadphones,
  calendar: IconCalendar,
  "arrow-up-circle": IconArrowUpCircle,
  send: IconSend,
  link: IconLink,
  "message-question": IconMessageQuestion,
  headset: IconHeadset,
  "user-circle": IconUserCircle,
  "shield-lock": IconShieldLock,
  language: IconLanguage,
  list: IconList,
  plug: IconPlug,
} as const;

export type IconName = keyof typeof icons;
