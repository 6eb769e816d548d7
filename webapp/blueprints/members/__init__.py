"""The tabs Members and Pending."""
