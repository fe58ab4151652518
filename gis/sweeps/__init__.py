"""Many scenarios on many draws of one border or several.

Work that is cut into parts, on the processors of this machine or of others.
"""
