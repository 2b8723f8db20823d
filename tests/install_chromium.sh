#!/bin/sh
# Chromium, in which tests/test_graphiql.py opens the page. Continuous integration runs this, so that nothing has to be
# installed there by hand. Nobody else needs to: without Chromium those tests are skipped, and say so.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo 'Chromium is not there, and only root on Debian can install it here.'
    exit 0
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
