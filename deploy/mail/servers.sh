#!/usr/bin/env bash
# Real mail servers for tests: Dovecot (IMAP, LMTP, sign-in) and Postfix (SMTP, delivery, bounces),
# on loopback ports nobody uses, with everything they write in one folder.
#
#   servers.sh start DIR   writes DIR/env with the ports; needs root, as Postfix does
#   servers.sh stop DIR
#
# Everybody at acme.test and hikes.test who is named below has a mailbox and the password
# "canary-password"; plus-addresses reach it. Mail for others is taken and then bounced, so that
# there are real delivery reports. Mail for hub.test goes by LMTP to a port where a test listens.
set -euo pipefail

USERS="support@acme.test bench@acme.test maya@hikes.test"
MAILUSER=nobody

command=${1:?start or stop} dir=${2:?a folder}
dir=$(realpath -m "$dir")

port() { # NAME: sets it to a port nobody uses, below those that outgoing connections get
	local p
	while :; do
		p=$((10000 + RANDOM % 20000))
		case " ${taken:-} " in *" $p "*) continue ;; esac
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null && continue
		taken="${taken:-} $p"
		printf -v "$1" %s "$p"
		return
	done
}

dovecot_config() {
	local u
	mkdir -p "$dir/dovecot" "$dir/home"
	: >"$dir/dovecot/users"
	for u in $USERS; do
		echo "$u:{PLAIN}canary-password" >>"$dir/dovecot/users"
		mkdir -p "$dir/home/$u"
	done
	chown -R "$MAILUSER" "$dir/home"
	cat >"$dir/dovecot/dovecot.conf" <<CONF
protocols = imap lmtp
base_dir = $dir/dovecot/run
state_dir = $dir/dovecot/run
instance_name = parley-test
log_path = $dir/dovecot.log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_fsync = never
mail_location = maildir:~/Maildir
mail_plugins =
first_valid_uid = 1
recipient_delimiter = +
postmaster_address = postmaster@acme.test
passdb {
  driver = passwd-file
  args = $dir/dovecot/users
}
userdb {
  driver = static
  args = uid=$MAILUSER gid=$(id -gn $MAILUSER) home=$dir/home/%u
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
  mailbox Done {
    auto = create
  }
}
service imap-login {
  inet_listener imap {
    port = $IMAP_PORT
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = $LMTP_PORT
  }
}
service auth {
  inet_listener {
    port = $AUTH_PORT
  }
}
CONF
}

postfix_config() {
	local u
	mkdir -p "$dir/postfix/etc" "$dir/postfix/queue" "$dir/postfix/data"
	chown postfix "$dir/postfix/data"
	: >"$dir/postfix/etc/mailboxes"
	for u in $USERS; do echo "$u ok" >>"$dir/postfix/etc/mailboxes"; done
	echo "hub.test lmtp:inet:127.0.0.1:$HUB_PORT" >"$dir/postfix/etc/transport"
	cat >"$dir/postfix/etc/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $dir/postfix/queue
data_directory = $dir/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = $dir/postfix.log
maillog_file_prefixes = $dir
myhostname = mail.acme.test
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_domains = acme.test, hikes.test
virtual_mailbox_maps = texthash:$dir/postfix/etc/mailboxes
relay_domains = hub.test
transport_maps = texthash:$dir/postfix/etc/transport
virtual_transport = lmtp:inet:127.0.0.1:$LMTP_PORT
default_transport = error:5.1.2 nothing leaves this machine
relay_transport = error:5.1.2 nothing leaves this machine
recipient_delimiter = +
smtpd_reject_unlisted_recipient = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$AUTH_PORT
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
message_size_limit = 52428800
virtual_mailbox_limit = 0
CONF
	cat >"$dir/postfix/etc/master.cf" <<CONF
127.0.0.1:$SMTP_PORT inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
CONF
}

case "$command" in
start)
	[ "$(id -u)" = 0 ] || { echo "servers.sh: Postfix starts as root only: use sudo" >&2; exit 1; }
	mkdir -p "$dir"
	chmod 755 "$dir"
	for name in IMAP_PORT LMTP_PORT AUTH_PORT SMTP_PORT HUB_PORT; do port "$name"; done
	dovecot_config
	postfix_config
	dovecot -c "$dir/dovecot/dovecot.conf"
	postfix -c "$dir/postfix/etc" start 2>/dev/null
	for p in $IMAP_PORT $LMTP_PORT $SMTP_PORT; do
		for _ in $(seq 100); do
			(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null && continue 2
			sleep 0.1
		done
		echo "servers.sh: nobody listens at $p; see $dir/dovecot.log and $dir/postfix.log" >&2
		exit 1
	done
	cat >"$dir/env" <<ENV
PARLEY_TEST_MAIL=$dir
PARLEY_TEST_MAIL_IMAP=$IMAP_PORT
PARLEY_TEST_MAIL_LMTP=$LMTP_PORT
PARLEY_TEST_MAIL_SMTP=$SMTP_PORT
PARLEY_TEST_MAIL_HUB=$HUB_PORT
ENV
	;;
stop)
	postfix -c "$dir/postfix/etc" stop 2>/dev/null || true
	doveadm -c "$dir/dovecot/dovecot.conf" stop || true
	;;
*)
	echo "servers.sh: start or stop" >&2
	exit 2
	;;
esac
