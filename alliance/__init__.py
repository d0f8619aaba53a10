"""The union's own business, which needs members and citizens both.

By what the files are about:

- who acts for an office: `admins`, `admin_invitations`, `admin_rights`, `own_account`, `recovery_codes`; what each role
  may do: `permissions`
- what needs two admins: `approvals` (asked and agreed), `decisions` (carried out); behind them `budget_changes`,
  `coupon_revocations`, `exports`, `tier_scheme_changes`, `uscc_overrides`, `white_list`
- who is a member: `application_reviews`, `memberships`, `rechecks`, `suspensions`
- complaints: `complaints` (made), `complaint_answers`, `complaint_decisions`, `complaint_files` (read), `complaint_states`
- statements: `statement_lines`, `statement_closing`, `statements` (answered, settled), `statement_shares`,
  `statement_states`, `statement_views` and `statement_files` (read)
- numbers: `numbers`, `sliced_numbers`, `ledger_numbers` and `number_marks`, and `recounts` that check them
- taking over from files: `imports` (states), `import_runs`, `import_cells`, `import_kinds` with one file per kind
  (`import_members`, `import_stores`, `import_staff`, `import_offers`), `import_invitations`
- looking back: `audit`; jobs that failed for good: `dead_letters`
"""
