#!/bin/sh
echo "cannot find my settings"
exit 3
