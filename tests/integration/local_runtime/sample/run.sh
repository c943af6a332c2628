#!/bin/sh
exec python -m sample.web
