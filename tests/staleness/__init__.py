"""Never stale, by trial: a generated project is edited at random, and after each edit a warm run must equal a cold one.

Start reading at `campaign.py`.
"""
