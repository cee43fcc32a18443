#!/bin/bash
# What a stamped build says of its source; "unknown" outside a checkout.
echo "STABLE_COMMIT $(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
