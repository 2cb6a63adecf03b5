#!/usr/bin/env bash
# The adapter of mail against real Dovecot and Postfix. Arguments go to go test, such as
# -run TestReal/bounce. PARLEY_BENCH_MAIL=10000 also measures how fast so many mails come in.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in dovecot postfix doveadm; do
	command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || missing=1
done
if [ -n "${missing:-}" ] || [ ! -e /usr/lib/dovecot/lmtp ]; then
	export DEBIAN_FRONTEND=noninteractive
	(apt-get update -qq && apt-get install -y -qq dovecot-imapd dovecot-lmtpd postfix) ||
		{ echo "these tests need Dovecot (with IMAP and LMTP) and Postfix: install them and try again" >&2; exit 1; }
fi
export PATH=$PATH:/usr/sbin

dir=$(mktemp -d /tmp/parley-mail.XXXXXX)
finish() {
	bash deploy/mail/servers.sh stop "$dir"
	rm -rf "$dir"
}
trap finish EXIT
bash deploy/mail/servers.sh start "$dir"
set -a
. "$dir/env"
set +a
go test -count=1 -timeout 10m -run 'TestReal' "$@" ./channels/email/
