package telegram

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
)

// lost is a call of which nobody knows what became.
type lost struct{ err error }

func (l *lost) Error() string { return "telegram: no answer: " + l.err.Error() }
func (l *lost) Unwrap() error { return l.err }

// refusal is a way the Bot API says no. Its words are the only thing that tells
// them apart: https://core.telegram.org/bots/api#making-requests. They are
// collected from https://core.telegram.org/api/errors and the server's source,
// https://github.com/tdlib/telegram-bot-api.
type refusal struct {
	words  string // in lower case; part of the description
	class  channels.Class
	advice string
}

var refusals = []refusal{
	{"bot was blocked by the user", channels.Unreachable, "The person blocked the bot. Reach them another way; they can unblock it in Telegram."},
	{"user is deactivated", channels.Unreachable, "The person's Telegram account is gone."},
	{"can't initiate conversation", channels.Unreachable, "On Telegram the person must write first. Ask them to press Start."},
	{"bot can't send messages to", channels.Unreachable, "Telegram lets no bot write to another bot."},
	{"bot was kicked", channels.Unreachable, "The bot was removed from the group. Ask an administrator to add it again."},
	{"bot is not a member", channels.Unreachable, "The bot is not in that group. Ask an administrator to add it."},
	{"chat not found", channels.Unreachable, "Telegram knows no such chat for this bot. The person may never have pressed Start."},
	{"user not found", channels.Unreachable, "Telegram knows no such person."},
	{"peer_id_invalid", channels.Unreachable, "Telegram knows no such chat for this bot."},
	{"upgraded to a supergroup", channels.Unreachable, "The group moved. Answer once somebody has written in the new one."},
	{"topic_closed", channels.Unreachable, "The topic of the group was closed."},
	{"message thread not found", channels.Unreachable, "The topic of the group is gone."},
	{"message is too long", channels.BadContent, "Shorten the message: Telegram takes 4096 characters."},
	{"caption is too long", channels.BadContent, "Shorten the text: beside a file Telegram takes 1024 characters."},
	{"text is empty", channels.BadContent, "Write something: the message has no text that Telegram shows."},
	{"reaction_invalid", channels.BadContent, "Take one of Telegram's own reactions, such as 👍, ❤ or 🔥."},
	{"reactions_too_many", channels.BadContent, "A bot may leave one reaction."},
	{"button_", channels.BadContent, "Telegram does not take one of the buttons. Check its link."},
	{"can't parse", channels.BadContent, "Telegram could not read the message. Write it anew."},
	{"message can't be edited", channels.BadContent, "Telegram no longer lets this message be changed. Send a new one."},
	{"message to edit not found", channels.BadContent, "The message is gone from Telegram."},
	{"can't be deleted", channels.BadContent, "Telegram lets a message be taken back for 48 hours only."},
	{"message to react not found", channels.BadContent, "The message is gone from Telegram."},
	{"voice_messages_forbidden", channels.BadMedia, "The person does not accept voice messages. Write instead."},
	{"photo_", channels.BadMedia, "Telegram does not take the picture. Send it as a file, or another one."},
	{"image_process_failed", channels.BadMedia, "Telegram does not take the picture. Send it as a file, or another one."},
	{"file is too big", channels.BadMedia, "Telegram takes files up to 50 MB from a bot."},
	{"entity too large", channels.BadMedia, "Telegram takes files up to 50 MB from a bot."},
	{"file must be non-empty", channels.BadMedia, "The file is empty."},
	{"wrong file", channels.BadMedia, "Telegram does not take the file. Try another format."},
	{"failed to get http url content", channels.BadMedia, "Telegram could not fetch the file. Attach it instead."},
	{"not enough rights", channels.Restricted, "The bot may not do this in the group. Ask an administrator for the right."},
	{"have no rights", channels.Restricted, "The bot may not do this in the group. Ask an administrator for the right."},
	{"chat_write_forbidden", channels.Restricted, "The bot may not write in the group. Ask an administrator for the right."},
	{"user is banned", channels.Restricted, "The bot is banned there."},
	{"terminated by other getupdates", channels.Misconfigured, "Another program asks Telegram for this bot's messages. Stop it, or send /revoke to @BotFather and enter the new token here."},
	{"webhook is active", channels.Misconfigured, "Telegram delivers this bot's messages to a webhook. Save the account to remove it, or choose webhook under “How messages arrive”."},
	{"logged out", channels.Misconfigured, "The bot was moved to another Bot API server. Enter its address under “Bot API address”."},
	{"bad webhook", channels.Misconfigured, "Telegram does not take the hub's address: it must be https on port 443, 80, 88 or 8443, with a valid certificate. Or choose polling."},
}

// refused makes a class and advice of what the far side said.
func refused(status int, r reply) *channels.Failure {
	code := r.Code
	if code == 0 {
		code = status
	}
	f := &channels.Failure{Class: channels.Permanent, Code: strconv.Itoa(code), Said: r.Description}
	said := strings.ToLower(r.Description)
	switch code {
	case http.StatusTooManyRequests:
		f.Class, f.After = channels.RateLimited, max(time.Duration(r.Parameters.RetryAfter)*time.Second, time.Second)
		f.Advice = "Telegram asks the bot to slow down. The message follows by itself."
		return f
	case http.StatusUnauthorized, http.StatusNotFound:
		f.Class, f.Advice = channels.AuthExpired, "Telegram does not know the bot's token (any more). Get it from @BotFather with /token and enter it in the account's settings."
		return f
	}
	for _, known := range refusals {
		if strings.Contains(said, known.words) {
			f.Class, f.Advice = known.class, known.advice
			return f
		}
	}
	switch code {
	case http.StatusForbidden:
		f.Class, f.Advice = channels.Unreachable, "Telegram does not let the bot write there."
	case http.StatusConflict:
		f.Class, f.Advice = channels.Misconfigured, "Another program uses this bot. Stop it, or get a new token from @BotFather."
	case http.StatusRequestEntityTooLarge:
		f.Class, f.Advice = channels.BadMedia, "Telegram takes files up to 50 MB from a bot."
	default:
		f.Advice = "Telegram refused it; its own words say why."
	}
	return f
}

// broken tells a request that certainly never arrived from one that may have.
// The error no longer holds the address, of which the token is part.
func broken(err error, token string) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	clean := err
	if strings.Contains(err.Error(), token) {
		clean = errors.New(strings.ReplaceAll(err.Error(), token, "…"))
	}
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
	)
	if errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &op) && op.Op == "dial" {
		return &channels.Failure{Class: channels.Transient, Advice: "Telegram could not be reached.", Err: clean}
	}
	return &lost{clean}
}
