"""Tests of device/transfer."""
